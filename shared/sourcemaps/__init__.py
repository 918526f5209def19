"""Source maps: their contents by hash (`blobs`), and which project's release has which (`index`) (sourcemaps.md)."""
