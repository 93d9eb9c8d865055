//! What makes two runs the same job: then they make the same bytes, and one may go on where the other ended.

use std::fmt;

use partita_formats::output::Format;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use xxhash_rust::xxh3::{Xxh3, xxh3_128};

use crate::dataset::manifest::ManifestColumn;
use crate::dataset::options::{DatasetOptions, InputFingerprint};

/// What the rows are made by, beside the inputs: 128 bits that are the same for the same plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PlanFingerprint(u128);

impl PlanFingerprint {
    /// The fingerprint of texts that say all about a plan.
    pub fn of<T: AsRef<[u8]>>(texts: impl IntoIterator<Item = T>) -> Self {
        let mut hash = Xxh3::new();
        for text in texts {
            let text = text.as_ref();
            hash.update(&(text.len() as u64).to_le_bytes());
            hash.update(text);
        }
        Self(hash.digest128())
    }
}

impl fmt::Display for PlanFingerprint {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:032x}", self.0)
    }
}

/// A job, as far as the bytes that it writes depend on it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Job {
    pub(super) created_by: String,
    pub(super) inputs: Vec<InputFingerprint>,
    pub(super) options: Value,
    pub(super) write: Format,
    pub(super) schema: Vec<ManifestColumn>,
    pub(super) partitions: Option<usize>,
    pub(super) plan: String,
    pub(super) origin: String,
}

impl Job {
    /// The job of these options; `None` where it cannot be told from another.
    pub(super) fn new(options: &DatasetOptions, columns: &[ManifestColumn]) -> Option<Self> {
        let plan = options.plan?;
        Some(Self {
            created_by: options.write.created_by().to_owned(),
            inputs: options.inputs.clone(),
            options: options.options_json.clone(),
            write: options.write.clone(),
            schema: columns.to_vec(),
            partitions: options.partitions,
            plan: plan.to_string(),
            origin: options.origin.unwrap_or(plan).to_string(),
        })
    }

    /// XXH3 (128 bits, seed 0) in 32 hexadecimal digits of the JSON of all that was given: schema and plan follow from that.
    pub(super) fn fingerprint(&self) -> String {
        let given =
            (&self.created_by, &self.inputs, &self.options, &self.write, self.partitions, &self.origin);
        let json = serde_json::to_vec(&given).unwrap_or_default();
        format!("{:032x}", xxh3_128(&json))
    }

    /// In what `before` was another job, in words; `None` where it was the same.
    pub(super) fn difference(&self, before: &Job) -> Option<String> {
        if self.created_by != before.created_by {
            return Some(format!("it was begun by {}, and this is {}", before.created_by, self.created_by));
        }
        inputs_difference(&before.inputs, &self.inputs)
            .or_else(|| value_difference("option", &before.options, &self.options))
            .or_else(|| value_difference("option write", &json(&before.write), &json(&self.write)))
            .or_else(|| value_difference("schema", &json(&before.schema), &json(&self.schema)))
            .or_else(|| value_difference("partitions", &json(before.partitions), &json(self.partitions)))
            .or_else(|| {
                let other = "the plan is another: columns, filters, or how the inputs are read";
                ((&self.plan, &self.origin) != (&before.plan, &before.origin)).then(|| other.to_owned())
            })
    }
}

fn json(value: impl Serialize) -> Value {
    serde_json::to_value(value).unwrap_or_default()
}

fn inputs_difference(before: &[InputFingerprint], now: &[InputFingerprint]) -> Option<String> {
    for (before, now) in before.iter().zip(now) {
        let path = &before.path;
        if *path != now.path {
            return Some(format!("the input {path} is now {}", now.path));
        }
        if before.bytes != now.bytes {
            return Some(format!("the input {path} had {} bytes, and has {}", before.bytes, now.bytes));
        }
        if before.modified_ns != now.modified_ns {
            return Some(format!("the input {path} was written to"));
        }
    }
    let (before, now) = (before.len(), now.len());
    (before != now).then(|| format!("there were {before} inputs, and are {now}"))
}

/// The first place in which two values differ.
fn value_difference(place: &str, before: &Value, now: &Value) -> Option<String> {
    match (before, now) {
        (Value::Object(old), Value::Object(new)) => {
            let keys = old.keys().chain(new.keys().filter(|key| !old.contains_key(*key)));
            let get =
                |map: &serde_json::Map<String, Value>, key: &str| map.get(key).cloned().unwrap_or_default();
            keys.into_iter()
                .find_map(|key| value_difference(&format!("{place} {key}"), &get(old, key), &get(new, key)))
        }
        (Value::Array(old), Value::Array(new)) if old.len() == new.len() => {
            old.iter().zip(new).find_map(|(old, new)| value_difference(place, old, new))
        }
        _ if before == now => None,
        _ => Some(format!("{place} was {before}, and is {now}")),
    }
}
