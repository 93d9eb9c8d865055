//! Functions by name: `sqrt(x)`, `upper(name)`, `year(at)`.
//!
//! A function is one [`Spec`]: its name, its type rule and its kernel, side by side in a file of its kind. To add one:
//!
//! 1. write its `pub static NAME: Spec`, with type rule and kernel, in the file of its kind;
//! 2. put it into the `ALL` of its kind: from there the text form, serialization and binding know it;
//! 3. write the method of `Expr` that users call, one line in `partita-plan/src/expr/` (`functions.rs`, `text.rs`,
//!    `time.rs`).
//!
//! Options (a pattern, a number of digits, a unit) are arguments too, which the type rule may require to be literals.
//! The binder decodes dictionaries, brings arguments to a common type where [`Spec::common`] asks for it, and casts them
//! to what the type rule wants, so that kernels see exactly [`Signature::arguments`]. A literal stays a
//! [`Value::Scalar`], in the wide type that scalars have. A call whose arguments are all scalars is evaluated over one
//! row, and is a scalar.

mod choose;
mod hash;
mod math;
mod prepared;
mod round;
#[cfg(test)]
mod tests;
pub mod text;
pub mod time;

use std::collections::HashMap;
use std::fmt::{self, Debug, Formatter};
use std::hash::{Hash, Hasher};
use std::sync::{Arc, LazyLock};

use arrow::array::{ArrayRef, UInt32Array};
use arrow::compute::take;
use arrow::datatypes::DataType;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

pub use self::choose::{CLIP, FILL_NAN, GREATEST, LEAST, REPLACE_VALUES};
pub use self::hash::{HASH, hash_rows};
pub use self::math::{ABS, EXP, IS_NAN, LN, POW, SQRT};
pub use self::prepared::Prepared;
pub use self::round::{CEIL, FLOOR, ROUND};
use crate::compute::Memory;
use crate::dtype;
use crate::error::{ErrorKind, Result};
use crate::scalar::{Scalar, Value};

/// The functions of each kind.
static KINDS: [&[&Spec]; 6] = [math::ALL, round::ALL, choose::ALL, hash::ALL, text::ALL, time::ALL];

/// What a function is. All values are fixed when the program is built.
pub struct Spec {
    /// Its name in the text form: lower case, unlike that of any other function.
    pub name: &'static str,
    /// The least and the greatest number of arguments.
    pub arguments: (usize, usize),
    /// Whether all arguments are brought to one common type before `signature` sees them.
    pub common: bool,
    /// The type rule: what the arguments are cast to, and what comes out. An error says what was expected and got,
    /// and the way out; the binder puts the expression before it.
    pub signature: fn(&[Argument<'_>]) -> Result<Signature, String>,
    /// The function itself. At least the first argument or another one is a column.
    pub kernel: fn(&Input<'_>) -> Result<Value>,
}

/// An argument as the type rule sees it.
#[derive(Debug, Clone)]
pub struct Argument<'a> {
    /// Its type.
    pub data_type: DataType,
    /// Its value, where it is a literal.
    pub literal: Option<&'a Scalar>,
}

/// When a result may be null.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Nulls {
    /// Where an argument is.
    Propagate,
    /// Never.
    Never,
    /// Though no argument is.
    Possible,
}

/// The types of one call.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct Signature {
    /// What the arguments are cast to.
    pub arguments: Vec<DataType>,
    /// The type of the result.
    pub result: DataType,
    /// When the result may be null; of use to the binder only.
    #[serde(skip, default = "possible")]
    pub nulls: Nulls,
    /// What the kernel makes of literals, once for the expression.
    #[serde(skip)]
    pub prepared: Prepared,
}

impl Debug for Signature {
    /// What the call means, without what was made for it.
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self { arguments, result, nulls, prepared: _ } = self;
        f.debug_struct("Signature")
            .field("arguments", arguments)
            .field("result", result)
            .field("nulls", nulls)
            .finish()
    }
}

fn possible() -> Nulls {
    Nulls::Possible
}

impl Signature {
    /// Arguments and result, null where an argument is.
    pub fn new(arguments: impl Into<Vec<DataType>>, result: DataType) -> Self {
        Self { arguments: arguments.into(), result, nulls: Nulls::Propagate, prepared: Prepared::default() }
    }

    /// The same with another rule of nulls.
    #[must_use]
    pub fn nulls(self, nulls: Nulls) -> Self {
        Self { nulls, ..self }
    }
}

/// What a kernel is given.
#[derive(Debug)]
pub struct Input<'a> {
    /// One value an argument; columns have the types of the signature, scalars are wide.
    pub values: &'a [Value],
    /// The types that the binder found.
    pub signature: &'a Signature,
    /// Rows of the columns.
    pub rows: usize,
    /// Who is asked before texts are made.
    pub memory: &'a dyn Memory,
}

impl Input<'_> {
    /// An argument as a column of its type; a scalar is repeated. A missing argument is an error.
    ///
    /// # Errors
    /// Where a scalar does not fit the type, or a column has another length.
    pub fn column(&self, argument: usize) -> Result<ArrayRef> {
        self.rows_of(argument, self.rows)
    }

    /// The number of arguments.
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// Whether there are no arguments.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// The value of an argument that is a scalar; `None` for columns, and for arguments that were left out.
    pub fn scalar(&self, argument: usize) -> Option<&Scalar> {
        match self.values.get(argument) {
            Some(Value::Scalar(scalar)) => Some(scalar),
            _ => None,
        }
    }

    /// An argument that is a scalar as a column of one row.
    fn one(&self, argument: usize) -> Result<ArrayRef> {
        self.rows_of(argument, 1)
    }

    fn rows_of(&self, argument: usize, rows: usize) -> Result<ArrayRef> {
        let (Some(value), Some(data_type)) =
            (self.values.get(argument), self.signature.arguments.get(argument))
        else {
            return Err(ErrorKind::Shape(format!("a call without argument {argument}")).into());
        };
        value.clone().into_array_of(data_type, rows)
    }
}

/// A function: a handle that is compared and serialized by its name.
#[derive(Clone, Copy)]
pub struct Function(&'static Spec);

static BY_NAME: LazyLock<HashMap<&'static str, Function>> =
    LazyLock::new(|| Function::all().map(|function| (function.name(), function)).collect());

impl Function {
    /// The function of a name in lower case.
    pub fn by_name(name: &str) -> Option<Function> {
        BY_NAME.get(name).copied()
    }

    /// All functions, by kind.
    pub fn all() -> impl Iterator<Item = Function> {
        KINDS.iter().flat_map(|kind| kind.iter()).map(|spec| Function(spec))
    }

    /// Its name in the text form.
    pub fn name(self) -> &'static str {
        self.0.name
    }

    /// The least and the greatest number of arguments.
    pub fn arguments(self) -> (usize, usize) {
        self.0.arguments
    }

    /// Whether arguments are brought to one common type before [`Function::signature`] sees them.
    pub fn common(self) -> bool {
        self.0.common
    }

    /// The types of a call with these arguments.
    ///
    /// # Errors
    /// What was expected, what was got, and the way out.
    pub fn signature(self, arguments: &[Argument<'_>]) -> Result<Signature, String> {
        (self.0.signature)(arguments)
    }

    /// The value of the call in every row: a column of `signature.result`, or a scalar.
    ///
    /// # Errors
    /// Those of the kernel: see each function; those of `memory`.
    pub fn evaluate(
        self,
        values: &[Value],
        signature: &Signature,
        rows: usize,
        memory: &dyn Memory,
    ) -> Result<Value> {
        if values.iter().any(|value| matches!(value, Value::Array(_))) {
            return (self.0.kernel)(&Input { values, signature, rows, memory });
        }
        let mut one = values.to_vec();
        if let Some(first) = one.first_mut() {
            let input = Input { values, signature, rows, memory };
            *first = Value::Array(input.one(0)?);
        }
        let result = (self.0.kernel)(&Input { values: &one, signature, rows: 1, memory })?;
        let array = match result {
            Value::Array(array) => array,
            scalar => return Ok(scalar),
        };
        match Scalar::try_from_array(&array, 0) {
            Ok(scalar) => Ok(Value::Scalar(scalar)),
            // No scalar holds a list.
            Err(_) => Ok(Value::Array(take(&array, &UInt32Array::from(vec![0; rows]), None)?)),
        }
    }
}

impl From<&'static Spec> for Function {
    fn from(spec: &'static Spec) -> Self {
        Function(spec)
    }
}

impl Debug for Function {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl PartialEq for Function {
    fn eq(&self, other: &Self) -> bool {
        self.name() == other.name()
    }
}

impl Eq for Function {}

impl Hash for Function {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name().hash(state);
    }
}

impl Serialize for Function {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for Function {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        Function::by_name(&name).ok_or_else(|| de::Error::custom(format!("unknown function {name:?}")))
    }
}

/// `expected WHAT, got TYPE; cast it to TO`: the refusal of an argument.
fn expected<T>(what: &str, argument: &Argument<'_>, way_out: &str) -> Result<T, String> {
    Err(format!("expected {what}, got {}; {way_out}", dtype::name(&argument.data_type)))
}

/// Whether a type is a decimal.
fn is_decimal(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Decimal128(_, _))
}

/// A column as the value of a kernel.
fn value(array: impl arrow::array::Array + 'static) -> Result<Value> {
    Ok(Value::Array(Arc::new(array)))
}
