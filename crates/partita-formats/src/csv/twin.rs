//! The slow, obvious reader that everything is tested against.
