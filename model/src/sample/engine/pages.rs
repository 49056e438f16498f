//! The memory of keys and values: pages of a few positions, which sequences with the same beginning share.
//!
//! A page holds all layers and heads of its positions. Keys lie so that one vector has the same component of all
//! positions of a page; values lie position by position.

use super::shape::Shape;

/// A page's number.
pub(super) type PageId = u32;

/// All pages of one worker.
pub(super) struct Pages {
    size: usize,
    most: usize,
    memory: Vec<Vec<f32>>,
    owners: Vec<u32>,
    free: Vec<PageId>,
}

impl Pages {
    /// No pages yet, and at most `most` of them.
    pub(super) fn new(shape: &Shape, most: usize) -> Self {
        Self { size: shape.page_values(), most, memory: Vec::new(), owners: Vec::new(), free: Vec::new() }
    }

    /// How many pages can still be taken.
    pub(super) fn available(&self) -> usize {
        self.most - self.memory.len() + self.free.len()
    }

    /// A page of one's own, its values not cleared; `None` if all are in use.
    pub(super) fn take(&mut self) -> Option<PageId> {
        if let Some(page) = self.free.pop() {
            self.owners[page as usize] = 1;
            return Some(page);
        }
        if self.memory.len() == self.most {
            return None;
        }
        self.memory.push(vec![0.0; self.size]);
        self.owners.push(1);
        Some((self.memory.len() - 1) as PageId)
    }

    /// Gives a page one more owner.
    pub(super) fn share(&mut self, page: PageId) {
        self.owners[page as usize] += 1;
    }

    /// Takes an owner from each page; those without one are free.
    pub(super) fn release(&mut self, pages: impl IntoIterator<Item = PageId>) {
        for page in pages {
            let owners = &mut self.owners[page as usize];
            *owners -= 1;
            if *owners == 0 {
                self.free.push(page);
            }
        }
    }

    /// A page of one's own with the values of another; `None` if all are in use.
    pub(super) fn copy(&mut self, page: PageId) -> Option<PageId> {
        let copy = self.take()?;
        let source = std::mem::take(&mut self.memory[page as usize]);
        self.memory[copy as usize].copy_from_slice(&source);
        self.memory[page as usize] = source;
        Some(copy)
    }

    /// The values of a page.
    pub(super) fn values(&self, page: PageId) -> &[f32] {
        &self.memory[page as usize]
    }

    /// The values of a page, to be written.
    pub(super) fn values_mut(&mut self, page: PageId) -> &mut [f32] {
        &mut self.memory[page as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_shared_copied_and_used_again() {
        let shape = Shape { layers: 1, kv_heads: 1, head: 2 };
        let mut pages = Pages::new(&shape, 2);
        let first = pages.take().unwrap();
        pages.values_mut(first)[3] = 7.0;
        pages.share(first);
        let second = pages.copy(first).unwrap();
        assert_eq!(pages.values(second)[3], 7.0);
        assert!(pages.take().is_none() && pages.copy(first).is_none());
        pages.release([first]);
        assert_eq!(pages.available(), 0, "it has another owner");
        pages.release([first, second]);
        assert_eq!(pages.available(), 2);
        assert!(pages.take().is_some() && pages.memory.len() == 2);
    }
}
