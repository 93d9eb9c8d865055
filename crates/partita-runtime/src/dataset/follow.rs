//! Whether rows that are appended to a data set with an index follow those that are there.

use std::path::Path;
use std::sync::Arc;

use partita_columns::Scalar;
use partita_formats::parquet::read::{FooterLimits, ParquetFile};

use super::error::{ErrorKind, Result};
use super::manifest::{Manifest, ManifestPart};
use crate::storage::{Disk, Storage};

/// The parts that are there, and the new ones, each with their folder.
pub(super) struct Following<'a> {
    pub(super) disk: &'a Arc<dyn Disk>,
    /// The data set as the user named it.
    pub(super) shown: &'a Path,
    pub(super) old: &'a Manifest,
    pub(super) folder: &'a Path,
    pub(super) new: &'a [ManifestPart],
}

impl Following<'_> {
    /// Checks that the first new value of the index is greater than the last old one.
    ///
    /// # Errors
    /// [`ErrorKind::NotBehind`], also where statistics do not prove it.
    pub(super) fn check(&self, index: &str) -> Result<()> {
        let has_rows = |part: &&ManifestPart| part.rows > 0;
        let (Some(last), Some(first)) =
            (self.old.parts.iter().rfind(has_rows), self.new.iter().find(has_rows))
        else {
            return Ok(());
        };
        let old = self.ends(&self.shown.join(&last.name), index);
        let new = self.ends(&self.folder.join(&first.name), index);
        let what = match (old, new) {
            (Some((_, end)), Some((begin, _))) => match begin.compare(&end) {
                Some(order) if order.is_gt() => return Ok(()),
                _ => format!("it ends at {end}, and the new rows begin at {begin}"),
            },
            _ => "the statistics of the files do not say where its rows end, or where the new ones begin"
                .to_owned(),
        };
        Err(ErrorKind::NotBehind { target: self.shown.to_path_buf(), index: index.to_owned(), what }.into())
    }

    /// The least and the greatest value of a part, where its statistics prove them.
    fn ends(&self, path: &Path, index: &str) -> Option<(Scalar, Scalar)> {
        let name = path.to_str()?;
        let input = Storage::new(Arc::clone(self.disk)).open(name).ok()?;
        let file = ParquetFile::open(&*input, name, &FooterLimits::default()).ok()?;
        let column = file.schema().index_of(index).ok()?;
        let mut ends: Option<(Scalar, Scalar)> = None;
        for group in 0..file.row_groups().len() {
            let bounds = file.bounds(group, column)?;
            let is_proved =
                bounds.nulls == Some(0) && bounds.min_is_exact && bounds.max_is_exact && !bounds.may_have_nan;
            let (min, max) = bounds.min.zip(bounds.max).filter(|_| is_proved)?;
            ends = Some(match ends {
                None => (min, max),
                Some((least, most)) => {
                    let (lower, higher) = (min.compare(&least)?.is_lt(), max.compare(&most)?.is_gt());
                    (if lower { min } else { least }, if higher { max } else { most })
                }
            });
        }
        ends
    }
}
