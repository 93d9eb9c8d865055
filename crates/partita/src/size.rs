//! Sizes in bytes, as numbers or as text.

use crate::error::{Error, ErrorKind, Result};

/// A number of bytes: a number, or text such as `"64MiB"`, `"256MB"` or `"2GiB"`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ByteSize(std::result::Result<u64, String>);

impl ByteSize {
    /// The number of bytes.
    ///
    /// # Errors
    /// Where the text was no size.
    pub fn bytes(&self) -> Result<u64> {
        self.0.clone().map_err(|text| {
            let message =
                format!("{text:?} is no size; write bytes, or a number with KB, MB, GB, KiB, MiB or GiB");
            Error::from(ErrorKind::Option(message))
        })
    }
}

impl From<u64> for ByteSize {
    fn from(bytes: u64) -> Self {
        ByteSize(Ok(bytes))
    }
}

impl From<usize> for ByteSize {
    fn from(bytes: usize) -> Self {
        ByteSize(Ok(bytes as u64))
    }
}

impl From<i32> for ByteSize {
    fn from(bytes: i32) -> Self {
        ByteSize(u64::try_from(bytes).map_err(|_| bytes.to_string()))
    }
}

impl From<&str> for ByteSize {
    fn from(text: &str) -> Self {
        let parsed = text.trim().parse::<bytesize::ByteSize>();
        ByteSize(parsed.map(|size| size.as_u64()).map_err(|_| text.to_owned()))
    }
}

impl From<String> for ByteSize {
    fn from(text: String) -> Self {
        ByteSize::from(text.as_str())
    }
}

impl From<&String> for ByteSize {
    fn from(text: &String) -> Self {
        ByteSize::from(text.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_decimal_or_binary() {
        for (text, bytes) in [("64MiB", 64 << 20), ("256MB", 256_000_000), ("1 GiB", 1 << 30), ("512", 512)] {
            assert_eq!(ByteSize::from(text).bytes().unwrap(), bytes, "{text}");
        }
        assert!(ByteSize::from("many").bytes().unwrap_err().to_string().contains("\"many\""));
        assert!(ByteSize::from(-1).bytes().is_err());
    }
}
