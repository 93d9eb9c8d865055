//! What is on the disk for good, and what a loss of power takes away.
//!
//! The account is a graph of files and folders by number. A folder has the names that it has now, and those that it had at its
//! last sync; a file has the bytes that were there at its last sync. Changes of names wait in a list until a folder that they
//! touch is synced: a rename between two folders is one change, and is there or not, as in journalled file systems.
//! Every file has a second name in the attic, so that a removal can be undone.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Component, Path, PathBuf};

/// The folder that everything is under.
const ROOT: u64 = 0;

type Names = BTreeMap<OsString, u64>;

#[derive(Debug)]
pub(super) struct Losses {
    root: PathBuf,
    attic: PathBuf,
    folders: HashMap<u64, Folder>,
    /// Bytes from the beginning that are there for good, by file.
    synced: HashMap<u64, u64>,
    pending: Vec<Vec<Change>>,
    next: u64,
}

#[derive(Debug, Default)]
struct Folder {
    now: Names,
    durable: Names,
}

/// A name that stands for something else than before.
#[derive(Debug, Clone)]
struct Change {
    folder: u64,
    name: OsString,
    before: Option<u64>,
    after: Option<u64>,
}

impl Losses {
    /// What is under `root` is there for good.
    pub(super) fn new(root: &Path, attic: &Path) -> io::Result<Self> {
        let mut losses = Self {
            root: root.to_path_buf(),
            attic: attic.to_path_buf(),
            folders: HashMap::new(),
            synced: HashMap::new(),
            pending: Vec::new(),
            next: ROOT + 1,
        };
        losses.scan(ROOT, root)?;
        Ok(losses)
    }

    fn scan(&mut self, folder: u64, path: &Path) -> io::Result<()> {
        let mut names = Names::new();
        for entry in fs::read_dir(path)? {
            let entry = entry?;
            let node = self.number();
            if entry.file_type()?.is_dir() {
                self.scan(node, &entry.path())?;
            } else {
                fs::hard_link(entry.path(), self.kept(node))?;
                self.synced.insert(node, entry.metadata()?.len());
            }
            names.insert(entry.file_name(), node);
        }
        self.folders.insert(folder, Folder { now: names.clone(), durable: names });
        Ok(())
    }

    fn number(&mut self) -> u64 {
        self.next += 1;
        self.next - 1
    }

    /// The name of a file in the attic.
    fn kept(&self, node: u64) -> PathBuf {
        self.attic.join(node.to_string())
    }

    /// The folder of a path, and its name in it; nothing where it is not under the root.
    fn place(&self, path: &Path) -> Option<(u64, OsString)> {
        let inside = path.strip_prefix(&self.root).ok()?;
        let mut names: Vec<&OsStr> = inside
            .components()
            .filter_map(|part| if let Component::Normal(name) = part { Some(name) } else { None })
            .collect();
        let last = names.pop()?;
        let folder = names.into_iter().try_fold(ROOT, |folder, name| self.child(folder, name))?;
        Some((folder, last.to_owned()))
    }

    fn child(&self, folder: u64, name: &OsStr) -> Option<u64> {
        self.folders.get(&folder)?.now.get(name).copied()
    }

    /// The number of what has a path now.
    pub(super) fn node(&self, path: &Path) -> Option<u64> {
        if path == self.root {
            return Some(ROOT);
        }
        let (folder, name) = self.place(path)?;
        self.child(folder, &name)
    }

    /// What `path` stands for from now on.
    fn change(&self, path: &Path, after: Option<u64>) -> Option<Change> {
        let (folder, name) = self.place(path)?;
        let before = self.child(folder, &name);
        Some(Change { folder, name, before, after })
    }

    fn apply(&mut self, changes: Vec<Option<Change>>) {
        let changes: Vec<Change> = changes.into_iter().flatten().collect();
        for change in &changes {
            if let Some(folder) = self.folders.get_mut(&change.folder) {
                set(&mut folder.now, change);
            }
        }
        self.pending.push(changes);
    }

    pub(super) fn created_file(&mut self, path: &Path) -> Option<u64> {
        let node = self.number();
        let change = self.change(path, Some(node))?;
        fs::hard_link(path, self.kept(node)).ok()?;
        self.synced.insert(node, 0);
        self.apply(vec![Some(change)]);
        Some(node)
    }

    pub(super) fn created_folder(&mut self, path: &Path) {
        let node = self.number();
        self.folders.insert(node, Folder::default());
        let change = self.change(path, Some(node));
        self.apply(vec![change]);
    }

    pub(super) fn renamed(&mut self, from: &Path, to: &Path) {
        let node = self.node(from);
        let changes = vec![self.change(from, None), self.change(to, node)];
        self.apply(changes);
    }

    pub(super) fn exchanged(&mut self, one: &Path, other: &Path) {
        let changes = vec![self.change(one, self.node(other)), self.change(other, self.node(one))];
        self.apply(changes);
    }

    pub(super) fn linked(&mut self, original: &Path, link: &Path) {
        let change = self.change(link, self.node(original));
        self.apply(vec![change]);
    }

    pub(super) fn removed(&mut self, path: &Path) {
        let change = self.change(path, None);
        self.apply(vec![change]);
    }

    /// The bytes of a file from `offset` on are not on the disk yet.
    pub(super) fn changed(&mut self, node: u64, offset: u64) {
        if let Some(synced) = self.synced.get_mut(&node) {
            *synced = offset.min(*synced);
        }
    }

    pub(super) fn synced_file(&mut self, node: u64, bytes: u64) {
        if let Some(synced) = self.synced.get_mut(&node) {
            *synced = bytes;
        }
    }

    /// All changes that touch a folder are there for good, and what came before them in the folders they touch.
    pub(super) fn synced_folder(&mut self, path: &Path) {
        let Some(folder) = self.node(path) else { return };
        let mut touched = BTreeSet::from([folder]);
        let mut taken = vec![false; self.pending.len()];
        let mut grew = true;
        while grew {
            grew = false;
            for (changes, taken) in self.pending.iter().zip(&mut taken) {
                if !*taken && changes.iter().any(|change| touched.contains(&change.folder)) {
                    *taken = true;
                    grew = true;
                    touched.extend(changes.iter().map(|change| change.folder));
                }
            }
        }
        let mut taken = taken.into_iter();
        let (done, rest) =
            std::mem::take(&mut self.pending).into_iter().partition(|_| taken.next().unwrap_or(false));
        self.pending = rest;
        self.settle(done);
    }

    /// Makes changes durable that fit what is durable.
    fn settle(&mut self, all: Vec<Vec<Change>>) {
        for changes in all {
            let fits = changes.iter().all(|change| {
                let folder = self.folders.get(&change.folder);
                folder.is_some_and(|folder| folder.durable.get(&change.name).copied() == change.before)
            });
            if !fits {
                continue;
            }
            for change in &changes {
                if let Some(folder) = self.folders.get_mut(&change.folder) {
                    set(&mut folder.durable, change);
                }
            }
        }
    }

    /// The power goes: of what is not on the disk for good `seed` decides what is left.
    pub(super) fn happen(&mut self, seed: u64) -> io::Result<()> {
        let mut random = Random(seed / 4);
        let pending = std::mem::take(&mut self.pending);
        let kept = match seed % 4 {
            0 => Vec::new(),
            1 => pending,
            2 => {
                let count = random.below(pending.len() as u64 + 1);
                pending.into_iter().take(usize::try_from(count).unwrap_or(usize::MAX)).collect()
            }
            _ => pending.into_iter().filter(|_| random.below(2) == 0).collect(),
        };
        self.settle(kept);
        let torn = self.attic.join("torn");
        fs::rename(&self.root, &torn)?;
        self.rebuild(ROOT, &self.root)?;
        let files: BTreeMap<u64, u64> = self.synced.iter().map(|(node, bytes)| (*node, *bytes)).collect();
        for (node, synced) in files {
            tear(&self.kept(node), synced, &mut random)?;
        }
        fs::remove_dir_all(torn)
    }

    fn rebuild(&self, folder: u64, path: &Path) -> io::Result<()> {
        fs::create_dir(path)?;
        let Some(folder) = self.folders.get(&folder) else { return Ok(()) };
        for (name, node) in &folder.durable {
            let path = path.join(name);
            if self.folders.contains_key(node) {
                self.rebuild(*node, &path)?;
            } else {
                fs::hard_link(self.kept(*node), path)?;
            }
        }
        Ok(())
    }
}

fn set(names: &mut Names, change: &Change) {
    match change.after {
        Some(node) => names.insert(change.name.clone(), node),
        None => names.remove(&change.name),
    };
}

/// Takes away bytes past the `synced` first: all, some, or their values.
fn tear(path: &Path, synced: u64, random: &mut Random) -> io::Result<()> {
    let file = File::options().write(true).open(path)?;
    let bytes = file.metadata()?.len();
    let Some(loose) = bytes.checked_sub(synced).filter(|loose| *loose > 0) else { return Ok(()) };
    match random.below(4) {
        0 => file.set_len(synced),
        1 => file.set_len(synced + random.below(loose)),
        2 => {
            let zeros = vec![0; usize::try_from(loose).unwrap_or(0)];
            file.write_all_at(&zeros, synced)
        }
        _ => Ok(()),
    }
}

/// Splitmix64: Steele, Lea and Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014.
struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) % end.max(1)
    }
}
