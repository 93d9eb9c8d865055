//! Texts and bytes, moved as views.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, GenericByteViewArray};
use arrow::buffer::{Buffer, NullBuffer, ScalarBuffer};
use arrow::datatypes::ByteViewType;

use super::Places;

/// Texts up to this length lie in their view.
const INLINE_BYTES_MAX: u32 = 12;

/// Texts are copied where they take less than one of so many bytes of their buffers.
const HELD_OVER_NEEDED: usize = 2;

/// Below this, copying is not worth a look.
const COMPACT_BYTES_MIN: usize = 4 << 10;

/// Of a new buffer: offsets in views have 32 bits.
const BUFFER_BYTES_MAX: usize = 1 << 30;

/// Sources are of type `V`.
pub(super) fn gather<V: ByteViewType>(
    places: &Places<'_>,
    sources: &[ArrayRef],
    nulls: Option<NullBuffer>,
) -> ArrayRef {
    let arrays: Vec<&GenericByteViewArray<V>> =
        sources.iter().map(|source| source.as_byte_view::<V>()).collect();
    let slices: Vec<&[u128]> = arrays.iter().map(|array| &array.views()[..]).collect();
    let mut views = places.values(&slices);
    if let Some(nulls) = &nulls {
        // What lies under a null refers to nothing.
        views.iter_mut().zip(nulls.iter()).filter(|(_, is_there)| !is_there).for_each(|(view, _)| *view = 0);
    }
    let mut buffers = Vec::new();
    if arrays.iter().any(|array| !array.data_buffers().is_empty()) {
        let (renumbered, needed) = renumber(&arrays, places, &mut views);
        let held: usize = renumbered.iter().map(Buffer::capacity).sum();
        let is_wasteful = held >= COMPACT_BYTES_MIN && held / HELD_OVER_NEEDED > needed;
        buffers = if is_wasteful { copy(&renumbered, &mut views, needed) } else { renumbered };
    }
    // SAFETY: each view is that of a row of a valid array of the same type, or empty, and refers to the same bytes:
    // `renumber` changes the number of a buffer to that of the same buffer, `copy` to a copy of the text.
    let array =
        unsafe { GenericByteViewArray::<V>::new_unchecked(ScalarBuffer::from(views), buffers, nulls) };
    Arc::new(array)
}

/// Length, first four bytes, buffer and offset, 32 bits each, the length lowest.
fn with_buffer(view: u128, buffer: u32, offset: u32) -> u128 {
    view & u128::from(u64::MAX) | u128::from(buffer) << 64 | u128::from(offset) << 96
}

fn length(view: u128) -> u32 {
    view as u32
}

fn buffer(view: u128) -> usize {
    (view >> 64) as u32 as usize
}

fn offset(view: u128) -> u32 {
    (view >> 96) as u32
}

/// The buffers that views refer to, each once, and the bytes that they need of them. Views are changed to these.
fn renumber<V: ByteViewType>(
    arrays: &[&GenericByteViewArray<V>],
    places: &Places<'_>,
    views: &mut [u128],
) -> (Vec<Buffer>, usize) {
    let mut numbers: Vec<Vec<Option<u32>>> =
        arrays.iter().map(|array| vec![None; array.data_buffers().len()]).collect();
    let mut known: HashMap<(usize, usize), u32> = HashMap::new();
    let mut buffers: Vec<Buffer> = Vec::new();
    let mut needed = 0;
    for (view, (batch, _)) in views.iter_mut().zip(places.rows) {
        let bytes = length(*view);
        if bytes <= INLINE_BYTES_MAX {
            continue;
        }
        needed += bytes as usize;
        let (batch, local) = (*batch as usize, buffer(*view));
        let number = match numbers[batch][local] {
            Some(number) => number,
            None => {
                let source = &arrays[batch].data_buffers()[local];
                let number = *known.entry((source.as_ptr() as usize, source.len())).or_insert_with(|| {
                    buffers.push(source.clone());
                    buffers.len() as u32 - 1
                });
                numbers[batch][local] = Some(number);
                number
            }
        };
        *view = with_buffer(*view, number, offset(*view));
    }
    (buffers, needed)
}

/// The texts in buffers of their own.
fn copy(from: &[Buffer], views: &mut [u128], needed: usize) -> Vec<Buffer> {
    let mut buffers = Vec::new();
    let mut texts: Vec<u8> = Vec::with_capacity(needed.min(BUFFER_BYTES_MAX));
    for view in views {
        let bytes = length(*view);
        if bytes <= INLINE_BYTES_MAX {
            continue;
        }
        if texts.len() + bytes as usize > BUFFER_BYTES_MAX && !texts.is_empty() {
            buffers.push(Buffer::from_vec(std::mem::take(&mut texts)));
        }
        let start = offset(*view) as usize;
        let text = &from[buffer(*view)][start..start + bytes as usize];
        *view = with_buffer(*view, buffers.len() as u32, texts.len() as u32);
        texts.extend_from_slice(text);
    }
    buffers.push(Buffer::from_vec(texts));
    buffers
}
