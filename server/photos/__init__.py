"""The life of photos: they are taken in, listed, archived, watched, removed and swept."""
