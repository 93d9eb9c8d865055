//! Fields as files have them, and the types that they are read as.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, UnionMode};
use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::parquet::read::{engine_type, malformed};

/// A field, and how its buffers lie in a message.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Node {
    /// The type of the array as it lies there; its children are as they are read already.
    pub(super) physical: DataType,
    /// The type that it is read as.
    pub(super) target: DataType,
    /// The dictionary whose values are meant; the array holds keys.
    pub(super) dictionary: Option<i64>,
    pub(super) children: Vec<Node>,
}

/// The buffers of a field itself.
#[derive(Debug, Clone, Copy)]
pub(super) struct Parts {
    pub(super) validity: bool,
    pub(super) fixed: usize,
    /// Further ones, as many as the message says.
    pub(super) is_variadic: bool,
}

/// A field and all dictionaries that are met in it: each with the values that it has.
pub(super) fn node(
    field: arrow_ipc::Field<'_>,
    dictionaries: &mut Vec<(i64, Node)>,
    file: &str,
) -> Result<(Field, Node)> {
    let arrow = Field::from(field);
    let node = walk(field, arrow.data_type(), dictionaries, file)?;
    let read = Field::new(arrow.name(), node.target.clone(), arrow.is_nullable());
    Ok((read, node))
}

fn walk(
    field: arrow_ipc::Field<'_>,
    data_type: &DataType,
    dictionaries: &mut Vec<(i64, Node)>,
    file: &str,
) -> Result<Node> {
    if let DataType::Dictionary(index, values) = data_type {
        let id = field.dictionary().map_or(0, |dictionary| dictionary.id());
        let values = plain(field, values, dictionaries, file)?;
        let target = values.target.clone();
        if !dictionaries.iter().any(|(known, _)| *known == id) {
            dictionaries.push((id, values));
        }
        return Ok(Node {
            physical: index.as_ref().clone(),
            target,
            dictionary: Some(id),
            children: Vec::new(),
        });
    }
    plain(field, data_type, dictionaries, file)
}

/// A field that is no dictionary, or the values of one.
fn plain(
    field: arrow_ipc::Field<'_>,
    data_type: &DataType,
    dictionaries: &mut Vec<(i64, Node)>,
    file: &str,
) -> Result<Node> {
    let types = children(data_type);
    let fields = field.children();
    let found = fields.map_or(0, |fields| fields.len());
    if types.len() != found {
        let expected = types.len();
        return Err(malformed(
            file,
            format!("the schema: expected {expected} fields within {data_type}, got {found}"),
        ));
    }
    let mut nodes = Vec::with_capacity(types.len());
    for (place, data_type) in types.into_iter().enumerate() {
        if let Some(fields) = &fields {
            nodes.push(walk(fields.get(place), data_type, dictionaries, file)?);
        }
    }
    let target = engine_type(data_type);
    let physical = match data_type {
        DataType::RunEndEncoded(ends, values) => {
            let read = values.as_ref().clone().with_data_type(engine_type(values.data_type()));
            DataType::RunEndEncoded(Arc::clone(ends), Arc::new(read))
        }
        _ if nodes.is_empty() => data_type.clone(),
        _ => target.clone(),
    };
    Ok(Node { physical, target, dictionary: None, children: nodes })
}

/// The types of the fields within a type.
fn children(data_type: &DataType) -> Vec<&DataType> {
    match data_type {
        DataType::List(item)
        | DataType::LargeList(item)
        | DataType::ListView(item)
        | DataType::LargeListView(item)
        | DataType::FixedSizeList(item, _)
        | DataType::Map(item, _) => vec![item.data_type()],
        DataType::Struct(fields) => fields.iter().map(|field| field.data_type()).collect(),
        DataType::Union(fields, _) => fields.iter().map(|(_, field)| field.data_type()).collect(),
        DataType::RunEndEncoded(ends, values) => vec![ends.data_type(), values.data_type()],
        _ => Vec::new(),
    }
}

impl Node {
    /// The buffers of the field itself; before version 5 unions had a validity.
    pub(super) fn parts(&self, is_old: bool) -> Parts {
        let parts = |validity, fixed| Parts { validity, fixed, is_variadic: false };
        match &self.physical {
            DataType::Null | DataType::RunEndEncoded(..) => parts(false, 0),
            DataType::Union(_, UnionMode::Sparse) => parts(is_old, 1),
            DataType::Union(_, UnionMode::Dense) => parts(is_old, 2),
            DataType::Struct(_) | DataType::FixedSizeList(..) => parts(true, 0),
            DataType::Utf8
            | DataType::LargeUtf8
            | DataType::Binary
            | DataType::LargeBinary
            | DataType::ListView(_)
            | DataType::LargeListView(_) => parts(true, 2),
            DataType::Utf8View | DataType::BinaryView => {
                Parts { validity: true, fixed: 1, is_variadic: true }
            }
            _ => parts(true, 1),
        }
    }

    /// Adds the dictionaries that are needed to read it.
    pub(super) fn collect_dictionaries(&self, all: &[(i64, Node)], needed: &mut Vec<i64>) {
        if let Some(id) = self.dictionary
            && !needed.contains(&id)
        {
            needed.push(id);
            if let Some((_, values)) = all.iter().find(|(known, _)| *known == id) {
                values.collect_dictionaries(all, needed);
            }
        }
        self.children.iter().for_each(|child| child.collect_dictionaries(all, needed));
    }
}
