//! Objects: keys to columns.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::ArrayRef;
use arrow::datatypes::{DataType, FieldRef, Fields};

use super::column::{Column, Refused, column};
use super::error::{Fault, What};
use super::json::{Cursor, Parsed};

/// The keys of objects, and the columns of their values.
pub(super) struct Object {
    members: Vec<Member>,
    places: HashMap<String, usize>,
    /// How many of the members have columns.
    wanted: usize,
    objects: usize,
    /// The member that the next key most likely is: keys mostly come in one order.
    next: usize,
    ignore_unknown: bool,
}

struct Member {
    field: FieldRef,
    /// `None`: its values are passed over.
    column: Option<Box<dyn Column>>,
    /// Bytes that a null of it takes.
    null_bytes: usize,
    /// The last object that had its key, from 1.
    met: usize,
}

impl Object {
    /// Objects with these fields; the values of those that are not wanted are passed over.
    pub(super) fn new<'a>(fields: impl Iterator<Item = (&'a FieldRef, bool)>, ignore_unknown: bool) -> Self {
        let member = |(field, wanted): (&FieldRef, bool)| Member {
            field: Arc::clone(field),
            column: wanted.then(|| column(field.data_type(), ignore_unknown)),
            null_bytes: null_bytes(field.data_type()),
            met: 0,
        };
        let members: Vec<Member> = fields.map(member).collect();
        let places = members.iter().enumerate().map(|(place, member)| (member.field.name().clone(), place));
        Self {
            places: places.collect(),
            wanted: members.iter().filter(|member| member.column.is_some()).count(),
            members,
            objects: 0,
            next: 0,
            ignore_unknown,
        }
    }

    fn find(&mut self, key: &str) -> Option<usize> {
        let likely = self.members.get(self.next).is_some_and(|member| member.field.name() == key);
        let found = if likely { self.next } else { *self.places.get(key)? };
        self.next = found + 1;
        Some(found)
    }

    /// Appends the object that comes next.
    pub(super) fn push(&mut self, cursor: &mut Cursor<'_>) -> Parsed<()> {
        self.objects += 1;
        self.next = 0;
        let mut filled = 0;
        cursor.members(|cursor, key, place| {
            let Some(found) = self.find(key) else {
                if self.ignore_unknown {
                    return cursor.skip(0);
                }
                return Err(Fault { path: vec![key.to_owned()], at: place, what: What::Unknown });
            };
            let member = &mut self.members[found];
            if member.met == self.objects {
                return Err(Fault { path: vec![key.to_owned()], at: place, what: What::Twice });
            }
            member.met = self.objects;
            match &mut member.column {
                Some(column) => {
                    filled += 1;
                    column.push(cursor).map_err(|fault| fault.under(key))
                }
                None => cursor.skip(0),
            }
        })?;
        if filled == self.wanted {
            return Ok(());
        }
        let mut bytes = 0;
        for member in self.members.iter_mut().filter(|member| member.met < self.objects) {
            if let Some(column) = &mut member.column {
                column.push_null();
                bytes += member.null_bytes;
            }
        }
        cursor.spend(bytes)
    }

    /// Appends null to every column.
    pub(super) fn push_null(&mut self) {
        self.objects += 1;
        for member in &mut self.members {
            member.met = self.objects;
            if let Some(column) = &mut member.column {
                column.push_null();
            }
        }
    }

    /// The columns that are wanted, which are empty then.
    pub(super) fn finish(&mut self) -> Result<(Fields, Vec<ArrayRef>), Refused> {
        let mut fields = Vec::with_capacity(self.wanted);
        let mut columns = Vec::with_capacity(self.wanted);
        self.objects = 0;
        for member in &mut self.members {
            member.met = 0;
            let Some(column) = &mut member.column else { continue };
            let name = member.field.name();
            columns.push(column.finish().map_err(|refused| refused.within(name, |item| item))?);
            fields.push(Arc::clone(&member.field));
        }
        Ok((fields.into(), columns))
    }

    /// Bytes of memory held.
    pub(super) fn memory_bytes(&self) -> usize {
        self.members
            .iter()
            .filter_map(|member| member.column.as_ref())
            .map(|column| column.memory_bytes())
            .sum()
    }
}

/// Bytes that a null takes, with those of the columns within.
fn null_bytes(data_type: &DataType) -> usize {
    match data_type {
        DataType::Struct(fields) => {
            1 + fields.iter().map(|field| null_bytes(field.data_type())).sum::<usize>()
        }
        other => other.primitive_width().unwrap_or(16),
    }
}
