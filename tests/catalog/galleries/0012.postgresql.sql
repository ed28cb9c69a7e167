CREATE FUNCTION name_trigrams(name text) RETURNS tsvector
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    AS $$
        SELECT array_to_tsvector(array_agg(substr(name || '  ', place, 3)))
        FROM generate_series(1, length(name)) AS place
    $$;
CREATE FUNCTION photos_named(sought tsquery, below bigint, most integer) RETURNS SETOF bigint
    LANGUAGE sql STABLE
    SET enable_seqscan TO 'off'
    SET enable_indexscan TO 'off'
    SET enable_indexonlyscan TO 'off'
    SET work_mem TO '64MB'
    AS $$
        SELECT version FROM photos
        WHERE name_trigrams(folded_name) @@ sought AND version + 0 < below
        ORDER BY version DESC LIMIT most
    $$;
CREATE TABLE accounts (
    id character varying(32) NOT NULL,
    name text NOT NULL,
    folded_name text NOT NULL,
    password_hash text NOT NULL,
    is_host boolean NOT NULL,
    session_key character varying(32) NOT NULL,
    created character varying(20) NOT NULL
);
CREATE TABLE alembic_version (
    version_num character varying(32) NOT NULL
);
CREATE TABLE chunks (
    upload_id character varying(32) NOT NULL,
    number integer NOT NULL
);
CREATE TABLE failed_tries (
    key text NOT NULL,
    failures integer NOT NULL,
    last character varying(20) NOT NULL
);
CREATE TABLE gallery (
    version bigint NOT NULL,
    total bigint NOT NULL,
    bytes bigint DEFAULT '0'::bigint NOT NULL,
    hosts_version bigint DEFAULT '0'::bigint NOT NULL,
    everyones_version bigint DEFAULT '0'::bigint NOT NULL,
    pending bigint DEFAULT '0'::bigint NOT NULL,
    hidden bigint DEFAULT '0'::bigint NOT NULL,
    private bigint DEFAULT '0'::bigint NOT NULL,
    private_bytes bigint DEFAULT '0'::bigint NOT NULL,
    made character varying(20) DEFAULT ''::character varying NOT NULL
);
CREATE TABLE guests (
    id character varying(32) NOT NULL,
    name text NOT NULL,
    version bigint NOT NULL,
    own_version bigint DEFAULT '0'::bigint NOT NULL,
    adopted_by character varying(32),
    adopted character varying(20),
    folded_name text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C",
    photos bigint DEFAULT '0'::bigint NOT NULL
);
CREATE TABLE photos (
    id character varying(32) NOT NULL,
    version bigint NOT NULL,
    removed_version bigint,
    guest_id character varying(32) NOT NULL,
    sha256 character varying(64) NOT NULL,
    name text NOT NULL,
    extension character varying(4) NOT NULL,
    bytes bigint NOT NULL,
    width integer NOT NULL,
    height integer NOT NULL,
    animated boolean NOT NULL,
    taken character varying(20),
    uploaded character varying(20) NOT NULL,
    placeholder text NOT NULL,
    visibility character varying(16) NOT NULL,
    shown_version bigint DEFAULT '0'::bigint NOT NULL,
    removed character varying(20),
    moment character varying(20) DEFAULT ''::character varying NOT NULL,
    folded_name text DEFAULT ''::text NOT NULL,
    standing character varying(16) DEFAULT 'shown'::character varying NOT NULL,
    audience integer DEFAULT 2 NOT NULL,
    left_hosts bigint,
    left_everyone bigint,
    removed_by_owner boolean,
    crc32 bigint
);
CREATE TABLE secrets (
    name text NOT NULL,
    value text NOT NULL
);
CREATE TABLE selections (
    id character varying(32) NOT NULL,
    photo_ids text NOT NULL,
    made character varying(20) NOT NULL
);
CREATE TABLE uploads (
    id character varying(32) NOT NULL,
    guest_id character varying(32) NOT NULL,
    name text NOT NULL,
    bytes bigint NOT NULL,
    chunk_bytes bigint NOT NULL,
    chunks integer NOT NULL,
    received integer NOT NULL,
    received_bytes bigint NOT NULL,
    touched character varying(20) NOT NULL,
    outcome text NOT NULL,
    visibility character varying(16) DEFAULT 'everyone'::character varying NOT NULL
);
ALTER TABLE ONLY accounts
    ADD CONSTRAINT accounts_folded_name_key UNIQUE (folded_name);
ALTER TABLE ONLY accounts
    ADD CONSTRAINT accounts_pkey PRIMARY KEY (id);
ALTER TABLE ONLY alembic_version
    ADD CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num);
ALTER TABLE ONLY chunks
    ADD CONSTRAINT chunks_pkey PRIMARY KEY (upload_id, number);
ALTER TABLE ONLY failed_tries
    ADD CONSTRAINT failed_tries_pkey PRIMARY KEY (key);
ALTER TABLE ONLY guests
    ADD CONSTRAINT guests_pkey PRIMARY KEY (id);
ALTER TABLE ONLY photos
    ADD CONSTRAINT photos_pkey PRIMARY KEY (id);
ALTER TABLE ONLY photos
    ADD CONSTRAINT photos_version_key UNIQUE (version);
ALTER TABLE ONLY secrets
    ADD CONSTRAINT secrets_pkey PRIMARY KEY (name);
ALTER TABLE ONLY selections
    ADD CONSTRAINT selections_pkey PRIMARY KEY (id);
ALTER TABLE ONLY uploads
    ADD CONSTRAINT uploads_pkey PRIMARY KEY (id);
CREATE INDEX by_time ON photos USING btree (moment, version) WHERE (removed_version IS NULL);
CREATE INDEX going_on ON uploads USING btree (guest_id) WHERE (outcome = ''::text);
CREATE INDEX judged ON photos USING btree (audience, standing, version) WHERE ((removed_version IS NULL) AND (audience < 2));
CREATE INDEX left_everyone ON photos USING btree (left_everyone) WHERE (left_everyone IS NOT NULL);
CREATE INDEX left_hosts ON photos USING btree (left_hosts) WHERE (left_hosts IS NOT NULL);
CREATE INDEX listed ON photos USING btree (version) WHERE (removed_version IS NULL);
CREATE INDEX named ON guests USING btree (version);
CREATE INDEX of_guest ON photos USING btree (guest_id, version) WHERE (removed_version IS NULL);
CREATE INDEX of_guest_by_time ON photos USING btree (guest_id, moment, version) WHERE (removed_version IS NULL);
CREATE UNIQUE INDEX one_photo_a_guest ON photos USING btree (guest_id, sha256) WHERE (removed_version IS NULL);
CREATE INDEX own_changes ON guests USING btree (own_version);
CREATE INDEX photo_trigrams ON photos USING gin (name_trigrams(folded_name)) WITH (fastupdate=off);
CREATE INDEX remembered ON photos USING btree (guest_id, sha256) WHERE ((removed_version IS NOT NULL) AND ((sha256)::text <> ''::text));
CREATE INDEX removed ON photos USING btree (guest_id, removed_version) WHERE (removed_version IS NOT NULL);
CREATE INDEX senders ON guests USING btree (id) WHERE (photos > 0);
CREATE INDEX sent ON photos USING btree (guest_id, uploaded, bytes);
CREATE INDEX shown ON photos USING btree (shown_version) WHERE (removed_version IS NULL);
CREATE INDEX tried ON failed_tries USING btree (last);
CREATE INDEX unpurged ON photos USING btree (removed) WHERE (removed IS NOT NULL);
CREATE INDEX unshared ON photos USING btree (audience, guest_id, version) WHERE ((removed_version IS NULL) AND (audience < 2));
CREATE INDEX unsummed ON photos USING btree (id) WHERE ((removed_version IS NULL) AND (crc32 IS NULL));
CREATE INDEX untouched ON uploads USING btree (touched);
