//! What a kernel can refuse.

use arrow::datatypes::DataType;

/// A `Result` whose error is [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// An error of a kernel: one word wide, so that results stay cheap to return.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct Error(Box<ErrorKind>);

impl Error {
    /// What went wrong.
    pub fn kind(&self) -> &ErrorKind {
        &self.0
    }

    /// What went wrong, given away.
    pub fn into_kind(self) -> ErrorKind {
        *self.0
    }
}

impl<K: Into<ErrorKind>> From<K> for Error {
    fn from(kind: K) -> Self {
        Error(Box::new(kind.into()))
    }
}

/// The kinds of kernel errors.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The operation is not defined for these types.
    #[error("{operation} is not defined for {types}")]
    Undefined {
        /// The operation, as users write it.
        operation: String,
        /// The types it was given, as users write them.
        types: String,
    },
    /// An integer result does not fit its type.
    #[error(
        "integer overflow in {operation}: the result does not fit {data_type}; cast to a wider type or to Float64"
    )]
    Overflow {
        /// The operation, with the first operands that overflow.
        operation: String,
        /// The type of the result.
        data_type: DataType,
    },
    /// A strict cast met a value that the target type cannot hold.
    #[error("cannot cast {value} from {from} to {to}")]
    Cast {
        /// The first value that does not fit, as text.
        value: String,
        /// The type of the column.
        from: DataType,
        /// The wanted type.
        to: DataType,
    },
    /// A step of a user's aggregation failed.
    #[error("aggregation {name}: {step}: {message}")]
    Aggregation {
        /// The aggregation.
        name: String,
        /// Which step.
        step: &'static str,
        /// What it reports, its panic, or what is wrong with what it returned.
        message: String,
    },
    /// A column has another type, length or place than the schema says.
    #[error("{0}")]
    Shape(String),
    /// Whoever promises memory ([`crate::compute::Memory`]) refused.
    #[error(transparent)]
    Memory(Box<dyn std::error::Error + Send + Sync>),
    /// Arrow refused.
    #[error(transparent)]
    Arrow(#[from] arrow::error::ArrowError),
    /// Polars refused.
    #[error(transparent)]
    Polars(#[from] polars_core::error::PolarsError),
}
