//! Common parts of expressions.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::mem::discriminant;

use arrow::array::{ArrayRef, BooleanArray, RecordBatch};
use arrow::datatypes::{FieldRef, Schema};
use partita_columns::{Scalar, compute};

use super::evaluate::Scope;
use super::meter::ACCOUNT;
use super::{BoundExpr, Flow, Meter};
use crate::error::Result;

/// Expressions made ready for many batches: a part that occurs more than once in them is computed once a batch.
#[derive(Debug)]
pub struct Prepared {
    expressions: Vec<BoundExpr>,
    shared: Vec<BoundExpr>,
}

impl Prepared {
    /// Finds the common parts of `expressions`.
    pub fn new(expressions: &[BoundExpr]) -> Self {
        let mut nodes = Nodes::default();
        let roots: Vec<usize> = expressions.iter().map(|expression| nodes.number(expression)).collect();
        nodes.count(&roots);
        let mut slots = HashMap::new();
        let mut shared = Vec::new();
        let expressions = roots.iter().map(|root| nodes.build(*root, &mut slots, &mut shared)).collect();
        Self { expressions, shared }
    }

    /// The parts that are computed once.
    pub fn shared(&self) -> usize {
        self.shared.len()
    }

    /// The columns of `schema`, one expression each; `meter` pays.
    ///
    /// # Errors
    /// As [`BoundExpr::evaluate_as`], and memory.
    pub fn columns(&self, batch: &RecordBatch, schema: &Schema, meter: &Meter) -> Result<Vec<ArrayRef>> {
        let scope = Scope::new(batch, &self.shared, Some(meter));
        let pairs = self.expressions.iter().zip(schema.fields());
        let column = |(of, field): (&BoundExpr, &FieldRef)| {
            let value = of
                .within(&scope)
                .map_err(|error| error.needed_in(ACCOUNT, || format!("column {:?}", field.name())))?;
            // A literal is held wide: as a column it has the type that the plan says.
            Ok(value.into_array_of(field.data_type(), batch.num_rows())?)
        };
        pairs.map(column).collect()
    }

    /// Where all expressions are true; null counts as false. `meter` pays for what is made on the way.
    ///
    /// # Errors
    /// As [`BoundExpr::evaluate_mask`], and memory.
    pub fn mask(&self, batch: &RecordBatch, meter: &Meter) -> Result<BooleanArray> {
        let mut pieces = Vec::new();
        let piece = |mask| {
            pieces.push(mask);
            Ok(Flow::More)
        };
        meter.in_pieces(batch, |batch| self.mask_of(batch, meter), piece)?;
        match <[BooleanArray; 1]>::try_from(pieces) {
            Ok([whole]) => Ok(whole),
            Err(pieces) => {
                let bits = pieces.iter().flat_map(|piece| piece.values().iter());
                Ok(BooleanArray::new(bits.collect(), None))
            }
        }
    }

    fn mask_of(&self, batch: &RecordBatch, meter: &Meter) -> Result<BooleanArray> {
        let scope = Scope::new(batch, &self.shared, Some(meter));
        let mask = |of: &BoundExpr| {
            let value =
                of.within(&scope).map_err(|error| error.needed_in(ACCOUNT, || "a filter".to_owned()))?;
            Ok(compute::to_mask(&value, batch.num_rows())?)
        };
        let mut masks = self.expressions.iter().map(mask);
        let first = masks.next().unwrap_or_else(|| Ok(BooleanArray::from(vec![true; batch.num_rows()])))?;
        masks.try_fold(first, |all, next: Result<BooleanArray>| {
            Ok(BooleanArray::new(all.values() & next?.values(), None))
        })
    }
}

/// Of a part whose own parts are numbers.
fn hash(shell: &BoundExpr) -> u64 {
    let mut hasher = DefaultHasher::new();
    discriminant(shell).hash(&mut hasher);
    match shell {
        BoundExpr::Column(at) | BoundExpr::Shared(at) => at.hash(&mut hasher),
        BoundExpr::Literal(scalar) => hash_scalar(scalar, &mut hasher),
        BoundExpr::Arithmetic(op, ..) => op.hash(&mut hasher),
        BoundExpr::Compare(op, ..) => op.hash(&mut hasher),
        BoundExpr::IsIn(_, list) => list.iter().for_each(|scalar| hash_scalar(scalar, &mut hasher)),
        BoundExpr::Cast(_, to, mode) => (to, mode).hash(&mut hasher),
        BoundExpr::Call(function, ..) => function.hash(&mut hasher),
        BoundExpr::Map(function, ..) => function.id().hash(&mut hasher),
        _ => {}
    }
    for part in shell.parts() {
        if let BoundExpr::Shared(number) = part {
            number.hash(&mut hasher);
        }
    }
    hasher.finish()
}

fn hash_scalar(scalar: &Scalar, hasher: &mut DefaultHasher) {
    discriminant(scalar).hash(hasher);
    match scalar {
        Scalar::Null(data_type) => data_type.hash(hasher),
        Scalar::Boolean(value) => value.hash(hasher),
        Scalar::Int64(value) => value.hash(hasher),
        Scalar::UInt64(value) => value.hash(hasher),
        Scalar::Float64(value) => value.to_bits().hash(hasher),
        Scalar::Utf8(text) => text.hash(hasher),
        Scalar::Binary(bytes) => bytes.hash(hasher),
        Scalar::Date32(day) => day.hash(hasher),
        Scalar::Timestamp(ticks, ..) | Scalar::Duration(ticks, _) => ticks.hash(hasher),
        Scalar::Decimal128(digits, ..) => digits.hash(hasher),
        _ => {}
    }
}

/// Whether two parts give the same, to the bit. Unlike equality, this tells -0.0 from 0.0 and knows NaN for NaN.
fn is_same(a: &BoundExpr, b: &BoundExpr) -> bool {
    match (a, b) {
        (BoundExpr::Literal(a), BoundExpr::Literal(b)) => is_same_scalar(a, b),
        (BoundExpr::IsIn(x, a), BoundExpr::IsIn(y, b)) => {
            x == y && a.len() == b.len() && a.iter().zip(b).all(|(a, b)| is_same_scalar(a, b))
        }
        (a, b) => a == b,
    }
}

fn is_same_scalar(a: &Scalar, b: &Scalar) -> bool {
    match (a, b) {
        (Scalar::Float64(a), Scalar::Float64(b)) => a.to_bits() == b.to_bits(),
        (a, b) => a == b,
    }
}

/// Every different part once, as a node whose own parts are the numbers of others.
#[derive(Default)]
struct Nodes {
    /// Nodes by their hash.
    numbers: HashMap<u64, Vec<usize>>,
    nodes: Vec<Node>,
}

struct Node {
    /// The part, with [`BoundExpr::Shared`] and a number in the place of its own parts.
    shell: BoundExpr,
    parts: Vec<usize>,
    /// How many nodes and roots it is a part of.
    uses: usize,
}

impl Nodes {
    fn number(&mut self, expression: &BoundExpr) -> usize {
        let parts: Vec<usize> = expression.parts().into_iter().map(|part| self.number(part)).collect();
        let mut numbers = parts.iter();
        let shell =
            expression.map_parts(&mut |_| BoundExpr::Shared(numbers.next().copied().unwrap_or(usize::MAX)));
        let known = self.numbers.entry(hash(&shell)).or_default();
        if let Some(number) = known.iter().find(|number| is_same(&self.nodes[**number].shell, &shell)) {
            return *number;
        }
        known.push(self.nodes.len());
        self.nodes.push(Node { shell, parts, uses: 0 });
        self.nodes.len() - 1
    }

    /// Counts uses from the roots down: the parts of a node count once, however often that is used.
    fn count(&mut self, roots: &[usize]) {
        let mut open = roots.to_vec();
        while let Some(number) = open.pop() {
            self.nodes[number].uses += 1;
            if self.nodes[number].uses == 1 {
                open.extend(self.nodes[number].parts.iter().copied());
            }
        }
    }

    fn build(
        &self,
        number: usize,
        slots: &mut HashMap<usize, usize>,
        shared: &mut Vec<BoundExpr>,
    ) -> BoundExpr {
        let node = &self.nodes[number];
        if let Some(slot) = slots.get(&number) {
            return BoundExpr::Shared(*slot);
        }
        let mut parts = node.parts.iter();
        let built = node.shell.map_parts(&mut |_| match parts.next() {
            Some(part) => self.build(*part, slots, shared),
            None => BoundExpr::Shared(usize::MAX),
        });
        if node.uses < 2 || node.parts.is_empty() {
            return built;
        }
        shared.push(built);
        slots.insert(number, shared.len() - 1);
        BoundExpr::Shared(shared.len() - 1)
    }
}
