//! The renames that `std` does not have.

use std::io;
use std::path::Path;

use rustix::fs::{CWD, RenameFlags, renameat_with};
use rustix::io::Errno;

/// Lets two paths change places.
pub(super) type Exchange = fn(&Path, &Path) -> io::Result<()>;

/// Lets two paths change places in one step.
///
/// # Errors
/// [`is_unsupported`] where the file system cannot do it.
pub(super) fn exchange(one: &Path, other: &Path) -> io::Result<()> {
    Ok(renameat_with(CWD, one, CWD, other, RenameFlags::EXCHANGE)?)
}

/// Renames a file unless something has the new name already.
///
/// # Errors
/// [`io::ErrorKind::AlreadyExists`], and whatever the system reports. Where the file system cannot check and
/// rename in one step, a file that appears between the two is replaced.
pub(super) fn rename_no_replace(from: &Path, to: &Path) -> io::Result<()> {
    match renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE).map_err(io::Error::from) {
        Err(error) if is_unsupported(&error) => {
            if std::fs::symlink_metadata(to).is_ok() {
                return Err(io::ErrorKind::AlreadyExists.into());
            }
            std::fs::rename(from, to)
        }
        done => done,
    }
}

/// Whether the system does not know the call, or the file system does not have it.
pub(super) fn is_unsupported(error: &io::Error) -> bool {
    let code = error.raw_os_error();
    [Errno::INVAL, Errno::NOSYS, Errno::OPNOTSUPP].iter().any(|errno| code == Some(errno.raw_os_error()))
}
