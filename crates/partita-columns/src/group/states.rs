//! The states of all groups.

use std::ops::Range;

use arrow::array::{Array, ArrayRef};
use arrow::datatypes::DataType;

use super::NO_GROUP;
use super::question::{Aggregate, Held, Key, Question, RowNumbers, held};
use super::slots::{Asked, Slots};
use crate::dtype;
use crate::error::{ErrorKind, Result};
use crate::reduce::{Accumulator, Reduction};

/// States of all groups: a column of slots for each accumulator that the questions need; a sum and a mean of a column share one.
///
/// What they make of the rows of a group is what [`crate::reduce`] makes of these rows alone, but that a sum of floats is a plain fold
/// in the order of rows, and moments join one row after the other. Merging the state of one row gives the same bits as
/// [`States::update`] with that row, so that a group whose rows are cut anywhere, and whose later pieces come as rows or as states
/// of one row, has the same bits as the uncut one. The state of no rows changes no bit of what it is merged with, before or behind it. Rows
/// come in order: `first`, `last` and lists have the order of arrival. `memory_usage` counts the bytes of values, without those of
/// validity.
///
/// ```
/// use std::sync::Arc;
/// use arrow::array::{ArrayRef, Float64Array, Int64Array};
/// use arrow::datatypes::DataType;
/// use partita_columns::group::{Aggregate, Question, RowNumbers, States};
/// use partita_columns::reduce::Reduction;
///
/// let mean = Question { aggregate: Aggregate::Reduction(Reduction::Mean), columns: vec![0] };
/// let mut states = States::new(&[mean], &[DataType::Int64])?;
/// let values: ArrayRef = Arc::new(Int64Array::from(vec![1, 10, 2]));
/// states.update(&[0, 1, 0], 2, &[values], RowNumbers::From(0))?;
/// assert_eq!(states.finish(0, 0..2)?.as_ref(), &Float64Array::from(vec![1.5, 10.0]));
/// # Ok::<(), partita_columns::Error>(())
/// ```
#[derive(Debug)]
pub struct States {
    types: Vec<DataType>,
    plans: Vec<Plan>,
    parts: Vec<Part>,
    count: usize,
}

/// A column of [`States::columns`] that has all values of each group.
#[derive(Debug, Clone)]
pub struct Gathered {
    /// Its position.
    pub column: usize,
    /// Of which type the values are.
    pub data_type: DataType,
    /// What is asked of them, by the positions of questions.
    pub asked: Vec<(usize, Reduction)>,
}

/// Where the answer to a question comes from.
#[derive(Debug)]
struct Plan {
    aggregate: Aggregate,
    inputs: Vec<DataType>,
    result: DataType,
    part: usize,
    rows: Option<usize>,
    nulls: Option<usize>,
}

#[derive(Debug)]
struct Part {
    key: Key,
    columns: Vec<usize>,
    slots: Held,
}

impl Part {
    fn slots(&self) -> &dyn Slots {
        match &self.slots {
            Held::Counts(counts) => counts,
            Held::Other(slots) => &**slots,
        }
    }

    fn slots_mut(&mut self) -> &mut dyn Slots {
        match &mut self.slots {
            Held::Counts(counts) => counts,
            Held::Other(slots) => &mut **slots,
        }
    }

    fn inputs(&self, columns: &[ArrayRef]) -> Vec<ArrayRef> {
        self.columns.iter().map(|at| ArrayRef::clone(&columns[*at])).collect()
    }
}

impl States {
    /// For value columns of these types.
    ///
    /// # Errors
    /// [`ErrorKind::Undefined`] where a question is not defined for its columns, [`ErrorKind::Shape`] for a column that there is not.
    pub fn new(questions: &[Question], types: &[DataType]) -> Result<Self> {
        let mut states = Self { types: types.to_vec(), plans: Vec::new(), parts: Vec::new(), count: 0 };
        for question in questions {
            let inputs = question.inputs(types)?;
            let result = question.result_type(types)?;
            let (mut rows, mut nulls) = (None, None);
            if let Aggregate::Reduction(reduction) = question.aggregate {
                use Reduction as R;
                if matches!(reduction, R::Len | R::Count | R::NullCount | R::Mean) {
                    rows = Some(states.part(Key::Rows, &[], &[], questions)?);
                }
                if matches!(reduction, R::Count | R::NullCount | R::Mean | R::NUnique { nulls: true }) {
                    nulls = Some(states.part(Key::Nulls, &question.columns, &inputs, questions)?);
                }
            }
            let part = states.part(question.key(), &question.columns, &inputs, questions)?;
            states.plans.push(Plan {
                aggregate: question.aggregate.clone(),
                inputs,
                result,
                part,
                rows,
                nulls,
            });
        }
        Ok(states)
    }

    fn part(&mut self, key: Key, columns: &[usize], inputs: &[DataType], all: &[Question]) -> Result<usize> {
        if let Some(at) = self.parts.iter().position(|part| part.key == key && part.columns == columns) {
            return Ok(at);
        }
        let slots = held(key, inputs, all, columns)?;
        self.parts.push(Part { key, columns: columns.to_vec(), slots });
        Ok(self.parts.len() - 1)
    }

    /// The columns that have all values of a group, for questions that need these.
    pub fn gathered(&self) -> Vec<Gathered> {
        let (mut gathered, mut column) = (Vec::new(), 0);
        for (at, part) in self.parts.iter().enumerate() {
            if part.key == Key::Of(Accumulator::Sorted)
                && let Some(data_type) = part.columns.first().and_then(|column| self.types.get(*column))
            {
                let plans = self.plans.iter().enumerate().filter(|(_, plan)| plan.part == at);
                let asked = plans.filter_map(|(at, plan)| Some((at, plan.aggregate.reduction()?)));
                gathered.push(Gathered { column, data_type: data_type.clone(), asked: asked.collect() });
            }
            column += part.slots().types().len();
        }
        gathered
    }

    /// Forgets what [`States::gathered`] columns would have; all else stays.
    pub fn drop_values(&mut self) {
        let gathers = |part: &&mut Part| part.key == Key::Of(Accumulator::Sorted);
        self.parts.iter_mut().filter(gathers).for_each(|part| part.slots_mut().drop_values());
    }

    /// How many groups there are.
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Takes rows: the group of each, the number of groups so far, and the value columns. Rows of [`NO_GROUP`] are skipped.
    ///
    /// # Errors
    /// [`ErrorKind::Shape`] for columns of other types or lengths, and for groups beyond `count`.
    pub fn update(
        &mut self,
        groups: &[u32],
        count: usize,
        columns: &[ArrayRef],
        rows: RowNumbers<'_>,
    ) -> Result<()> {
        check(columns, &self.types, groups.len())?;
        if let RowNumbers::Each(numbers) = rows
            && numbers.len() != groups.len()
        {
            let message = format!("expected {} numbers of rows, got {}", groups.len(), numbers.len());
            return Err(ErrorKind::Shape(message).into());
        }
        self.grow(groups, count)?;
        for part in &mut self.parts {
            let inputs = part.inputs(columns);
            part.slots_mut().update(groups, &inputs, rows)?;
        }
        Ok(())
    }

    fn grow(&mut self, groups: &[u32], count: usize) -> Result<()> {
        self.count = self.count.max(count);
        let count = self.count;
        // One more than the greatest; 0 of no group.
        let beyond = groups.iter().fold(0, |most: u32, group| most.max(group.wrapping_sub(NO_GROUP)));
        if beyond as usize > count {
            return Err(ErrorKind::Shape(format!("expected groups before {count}, got one beyond")).into());
        }
        self.parts.iter_mut().for_each(|part| part.slots_mut().grow(count));
        Ok(())
    }

    /// Takes rows of states, those that [`States::columns`] of the same questions makes: each goes on with the group that it names, in
    /// order.
    ///
    /// # Errors
    /// [`ErrorKind::Shape`] for columns that are none of these states, and for groups beyond `count`.
    pub fn merge(&mut self, groups: &[u32], count: usize, columns: &[ArrayRef]) -> Result<()> {
        check(columns, &self.column_types(), groups.len())?;
        self.grow(groups, count)?;
        let mut rest = columns;
        for part in &mut self.parts {
            let (own, others) = rest.split_at(part.slots().types().len());
            part.slots_mut().merge(groups, own)?;
            rest = others;
        }
        Ok(())
    }

    /// The states of some groups as columns.
    ///
    /// # Errors
    /// [`ErrorKind::Shape`] for groups that there are not, and for more values than one batch of lists holds.
    pub fn columns(&self, range: Range<usize>) -> Result<Vec<ArrayRef>> {
        self.check_range(&range)?;
        let mut columns = Vec::new();
        for part in &self.parts {
            columns.extend(part.slots().columns(range.clone())?);
        }
        Ok(columns)
    }

    /// The types of [`States::columns`].
    pub fn column_types(&self) -> Vec<DataType> {
        self.parts.iter().flat_map(|part| part.slots().types()).collect()
    }

    /// The answers to a question for some groups, of its [`States::result_type`].
    ///
    /// # Errors
    /// [`ErrorKind::Overflow`] where a sum or a product does not fit its type; [`ErrorKind::Shape`] for a question or for groups that
    /// there are not.
    pub fn finish(&self, question: usize, range: Range<usize>) -> Result<ArrayRef> {
        self.check_range(&range)?;
        let plan = self.plan(question)?;
        let counts = |part: Option<usize>| match part.map(|part| &self.parts[part].slots) {
            Some(Held::Counts(counts)) => counts.of(range.clone()),
            _ => &[],
        };
        let reduction = match &plan.aggregate {
            Aggregate::Reduction(reduction) => *reduction,
            Aggregate::List | Aggregate::Top { .. } | Aggregate::User(_) => Reduction::Len,
        };
        let (rows, nulls) = (counts(plan.rows), counts(plan.nulls));
        let (inputs, result) = (&plan.inputs[..], plan.result.clone());
        self.parts[plan.part].slots().finish(&Asked {
            reduction,
            inputs,
            result,
            range: range.clone(),
            rows,
            nulls,
        })
    }

    /// The type of the answers to a question.
    ///
    /// # Errors
    /// [`ErrorKind::Shape`] for a question that there is not.
    pub fn result_type(&self, question: usize) -> Result<&DataType> {
        Ok(&self.plan(question)?.result)
    }

    fn plan(&self, question: usize) -> Result<&Plan> {
        let missing = || ErrorKind::Shape(format!("question {question} of {}", self.plans.len())).into();
        self.plans.get(question).ok_or_else(missing)
    }

    fn check_range(&self, range: &Range<usize>) -> Result<()> {
        if range.start <= range.end && range.end <= self.count {
            return Ok(());
        }
        Err(ErrorKind::Shape(format!("expected groups before {}, got {range:?}", self.count)).into())
    }

    /// Bytes that it holds.
    pub fn memory_bytes(&self) -> usize {
        self.parts.iter().map(|part| part.slots().memory_bytes()).sum()
    }

    /// Bytes that it takes at most, during and after an update with these `rows` rows after which there are `count` groups.
    pub fn need_bytes(&self, count: usize, columns: &[ArrayRef], rows: usize) -> usize {
        let count = self.count.max(count);
        let needs = self.parts.iter().map(|part| part.slots().need_bytes(count, &part.inputs(columns)));
        needs.sum::<usize>() + rows / 4 + 1024
    }

    /// The same for [`States::merge`].
    pub fn merge_need_bytes(&self, count: usize, columns: &[ArrayRef]) -> usize {
        let (count, mut rest, mut need) = (self.count.max(count), columns, 1024);
        for part in &self.parts {
            let (own, others) = rest.split_at_checked(part.slots().types().len()).unwrap_or((rest, &[]));
            need += part.slots().merge_need_bytes(count, own);
            rest = others;
        }
        need
    }

    /// Bytes that [`States::columns`] takes at most for a range, beside what is held.
    pub fn columns_need_bytes(&self, range: Range<usize>) -> usize {
        self.parts.iter().map(|part| part.slots().give_need_bytes(range.clone())).sum::<usize>() + 1024
    }

    /// Bytes that [`States::finish`] takes at most for a range, beside what is held.
    pub fn finish_need_bytes(&self, question: usize, range: Range<usize>) -> usize {
        self.plans.get(question).map_or(0, |plan| self.parts[plan.part].slots().give_need_bytes(range) + 1024)
    }

    /// Forgets all groups; the capacity of plain columns stays.
    pub fn clear(&mut self) {
        self.count = 0;
        self.parts.iter_mut().for_each(|part| part.slots_mut().clear());
    }
}

fn check(columns: &[ArrayRef], types: &[DataType], rows: usize) -> Result<()> {
    if columns.len() != types.len() {
        return Err(
            ErrorKind::Shape(format!("expected {} columns, got {}", types.len(), columns.len())).into()
        );
    }
    for (column, expected) in columns.iter().zip(types) {
        if column.data_type() != expected || column.len() != rows {
            let (wanted, got) = (dtype::name(expected), dtype::name(column.data_type()));
            let message = format!("expected a column of {rows} {wanted}, got {} {got}", column.len());
            return Err(ErrorKind::Shape(message).into());
        }
    }
    Ok(())
}
