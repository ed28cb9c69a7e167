"""What happens to photos: intake, chunks, gallery, watchers, archive, sweep, limits."""
