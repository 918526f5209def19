"""Source maps over HTTP: uploads and their removal (sourcemaps.md, "Uploading"). The role ingest serves them."""
