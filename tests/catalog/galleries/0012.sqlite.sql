CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
CREATE TABLE photos (
	id VARCHAR(32) NOT NULL, 
	version BIGINT NOT NULL, 
	removed_version BIGINT, 
	guest_id VARCHAR(32) NOT NULL, 
	sha256 VARCHAR(64) NOT NULL, 
	name TEXT NOT NULL, 
	extension VARCHAR(4) NOT NULL, 
	bytes BIGINT NOT NULL, 
	width INTEGER NOT NULL, 
	height INTEGER NOT NULL, 
	animated BOOLEAN NOT NULL, 
	taken VARCHAR(20), 
	uploaded VARCHAR(20) NOT NULL, 
	placeholder TEXT NOT NULL, 
	visibility VARCHAR(16) NOT NULL, shown_version BIGINT DEFAULT '0' NOT NULL, removed VARCHAR(20), moment VARCHAR(20) DEFAULT '' NOT NULL, folded_name TEXT DEFAULT '' NOT NULL, standing VARCHAR(16) DEFAULT 'shown' NOT NULL, audience INTEGER DEFAULT '2' NOT NULL, left_hosts BIGINT, left_everyone BIGINT, removed_by_owner BOOLEAN, crc32 BIGINT, 
	PRIMARY KEY (id), 
	UNIQUE (version)
);
CREATE TABLE gallery (
	version BIGINT NOT NULL, 
	total BIGINT NOT NULL
, bytes BIGINT DEFAULT '0' NOT NULL, hosts_version BIGINT DEFAULT '0' NOT NULL, everyones_version BIGINT DEFAULT '0' NOT NULL, pending BIGINT DEFAULT '0' NOT NULL, hidden BIGINT DEFAULT '0' NOT NULL, private BIGINT DEFAULT '0' NOT NULL, private_bytes BIGINT DEFAULT '0' NOT NULL, made VARCHAR(20) DEFAULT '' NOT NULL);
CREATE TABLE uploads (
	id VARCHAR(32) NOT NULL, 
	guest_id VARCHAR(32) NOT NULL, 
	name TEXT NOT NULL, 
	bytes BIGINT NOT NULL, 
	chunk_bytes BIGINT NOT NULL, 
	chunks INTEGER NOT NULL, 
	received INTEGER NOT NULL, 
	received_bytes BIGINT NOT NULL, 
	touched VARCHAR(20) NOT NULL, 
	outcome TEXT NOT NULL, visibility VARCHAR(16) DEFAULT 'everyone' NOT NULL, 
	PRIMARY KEY (id)
);
CREATE TABLE chunks (
	upload_id VARCHAR(32) NOT NULL, 
	number INTEGER NOT NULL, 
	PRIMARY KEY (upload_id, number)
);
CREATE TABLE guests (
	id VARCHAR(32) NOT NULL, 
	name TEXT NOT NULL, 
	version BIGINT NOT NULL, own_version BIGINT DEFAULT '0' NOT NULL, adopted_by VARCHAR(32), adopted VARCHAR(20), folded_name TEXT DEFAULT '' NOT NULL, photos BIGINT DEFAULT '0' NOT NULL, 
	PRIMARY KEY (id)
);
CREATE TABLE accounts (
	id VARCHAR(32) NOT NULL, 
	name TEXT NOT NULL, 
	folded_name TEXT NOT NULL, 
	password_hash TEXT NOT NULL, 
	is_host BOOLEAN NOT NULL, 
	session_key VARCHAR(32) NOT NULL, 
	created VARCHAR(20) NOT NULL, 
	PRIMARY KEY (id), 
	UNIQUE (folded_name)
);
CREATE TABLE failed_tries (
	"key" TEXT NOT NULL, 
	failures INTEGER NOT NULL, 
	last VARCHAR(20) NOT NULL, 
	PRIMARY KEY ("key")
);
CREATE TABLE secrets (
	name TEXT NOT NULL, 
	value TEXT NOT NULL, 
	PRIMARY KEY (name)
);
CREATE VIRTUAL TABLE photo_trigrams USING fts5(
        name, content='', columnsize=0, detail=none, tokenize='trigram case_sensitive 1'
    );
CREATE VIRTUAL TABLE trigrams USING fts5vocab(photo_trigrams, row);
CREATE TABLE selections (
	id VARCHAR(32) NOT NULL, 
	photo_ids TEXT NOT NULL, 
	made VARCHAR(20) NOT NULL, 
	PRIMARY KEY (id)
);
CREATE TRIGGER photo_trigrams_added AFTER INSERT ON photos WHEN new.folded_name <> ''
    BEGIN
        INSERT INTO photo_trigrams(rowid, name) VALUES (-new.version, new.folded_name || '  ');
    END;
CREATE TRIGGER photo_trigrams_removed AFTER DELETE ON photos WHEN old.folded_name <> ''
    BEGIN
        INSERT INTO photo_trigrams(photo_trigrams, rowid, name)
            VALUES ('delete', -old.version, old.folded_name || '  ');
    END;
CREATE TRIGGER photo_trigrams_changed AFTER UPDATE OF version, folded_name ON photos
    WHEN (new.version, new.folded_name) <> (old.version, old.folded_name)
    BEGIN
        INSERT INTO photo_trigrams(photo_trigrams, rowid, name)
            SELECT 'delete', -old.version, old.folded_name || '  ' WHERE old.folded_name <> '';
        INSERT INTO photo_trigrams(rowid, name)
            SELECT -new.version, new.folded_name || '  ' WHERE new.folded_name <> '';
    END;
CREATE UNIQUE INDEX one_photo_a_guest ON photos (guest_id, sha256) WHERE removed_version IS NULL;
CREATE INDEX listed ON photos (version) WHERE removed_version IS NULL;
CREATE INDEX untouched ON uploads (touched);
CREATE INDEX going_on ON uploads (guest_id) WHERE outcome = '';
CREATE INDEX sent ON photos (guest_id, uploaded, bytes);
CREATE INDEX shown ON photos (shown_version) WHERE removed_version IS NULL;
CREATE INDEX by_time ON photos (moment, version) WHERE removed_version IS NULL;
CREATE INDEX of_guest ON photos (guest_id, version) WHERE removed_version IS NULL;
CREATE INDEX of_guest_by_time ON photos (guest_id, moment, version) WHERE removed_version IS NULL;
CREATE INDEX unpurged ON photos (removed) WHERE removed IS NOT NULL;
CREATE INDEX named ON guests (version);
CREATE INDEX left_hosts ON photos (left_hosts) WHERE left_hosts IS NOT NULL;
CREATE INDEX left_everyone ON photos (left_everyone) WHERE left_everyone IS NOT NULL;
CREATE INDEX own_changes ON guests (own_version);
CREATE INDEX tried ON failed_tries (last);
CREATE INDEX unshared ON photos (audience, guest_id, version) WHERE removed_version IS NULL AND audience < 2;
CREATE INDEX judged ON photos (audience, standing, version) WHERE removed_version IS NULL AND audience < 2;
CREATE INDEX removed ON photos (guest_id, removed_version) WHERE removed_version IS NOT NULL;
CREATE INDEX senders ON guests (id) WHERE photos > 0;
CREATE INDEX remembered ON photos (guest_id, sha256) WHERE removed_version IS NOT NULL AND sha256 <> '';
CREATE INDEX unsummed ON photos (id) WHERE removed_version IS NULL AND crc32 IS NULL;
