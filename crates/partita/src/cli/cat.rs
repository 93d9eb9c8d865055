//! `partita cat` and `partita agg`: rows and groups in another format, or on standard output.

use std::io::{self, ErrorKind, Write};

use partita::{DataFrame, RowsFormat};

use super::args::{Agg, Cat, CatArgs};
use super::failure::Failure;
use super::inspect::with_sources;
use super::interrupt::Interrupt;
use super::prepare;

/// Writes the rows.
///
/// # Errors
/// What reading and writing refuse. A file or folder is as it was then.
pub(crate) fn cat(args: &Cat, interrupt: &Interrupt) -> Result<(), Failure> {
    let session = args.run.session()?;
    let format = args.cat.rows_format()?;
    with_sources(&args.input.inputs, &args.read, |sources| {
        let frame = prepare::pick(prepare::load(&session, sources, &args.read)?, &args.pick)?;
        write(&frame, &args.cat, format, interrupt)
    })
}

/// Writes a row for each group.
///
/// # Errors
/// As [`cat`].
pub(crate) fn agg(args: &Agg, interrupt: &Interrupt) -> Result<(), Failure> {
    let session = args.run.session()?;
    let format = args.cat.rows_format()?;
    with_sources(&args.input.inputs, &args.read, |sources| {
        let groups = args.agg.grouped(&prepare::load(&session, sources, &args.read)?)?;
        write(&groups, &args.cat, format, interrupt)
    })
}

fn write(
    frame: &DataFrame,
    to: &CatArgs,
    format: Option<RowsFormat>,
    interrupt: &Interrupt,
) -> Result<(), Failure> {
    match format {
        Some(format) if to.is_stream() => stream(frame, format),
        Some(format) => {
            let writer = frame.to_rows(&to.to, format).overwrite(to.overwrite).single_file(to.is_file());
            interrupt.cancels(writer.cancel_token());
            writer.write()?;
            Ok(())
        }
        None => {
            let writer = frame.to_parquet(&to.to).overwrite(to.overwrite).single_file(to.is_file());
            interrupt.cancels(writer.cancel_token());
            writer.write()?;
            Ok(())
        }
    }
}

/// Rows on standard output. A reader that goes away, as `head` does, ends it and is no failure.
fn stream(frame: &DataFrame, format: RowsFormat) -> Result<(), Failure> {
    let mut out = Stdout { out: io::stdout().lock(), is_gone: false };
    let written = frame.to_rows("-", format).write_to(&mut out);
    if out.is_gone {
        return Ok(());
    }
    written?;
    Ok(())
}

/// Standard output that remembers that its reader is gone.
struct Stdout<W> {
    out: W,
    is_gone: bool,
}

impl<W: Write> Stdout<W> {
    fn look<T>(&mut self, done: io::Result<T>) -> io::Result<T> {
        self.is_gone |= done.as_ref().is_err_and(|error| error.kind() == ErrorKind::BrokenPipe);
        done
    }
}

impl<W: Write> Write for Stdout<W> {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        let done = self.out.write(buffer);
        self.look(done)
    }

    fn flush(&mut self) -> io::Result<()> {
        let done = self.out.flush();
        self.look(done)
    }
}
