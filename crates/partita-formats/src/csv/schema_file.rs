//! A schema on disk, for recurring jobs.
