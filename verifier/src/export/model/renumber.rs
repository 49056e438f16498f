//! Other numbers for the names, levels and expressions that something refers to.

/// Changes the numbers of things into others, or says that there is no such thing.
pub(in crate::export) trait Renumber {
    type Error;
    fn name(&self, id: u32) -> Result<u32, Self::Error>;
    fn level(&self, id: u32) -> Result<u32, Self::Error>;
    fn expr(&self, id: u32) -> Result<u32, Self::Error>;

    fn names(&self, ids: &mut [u32]) -> Result<(), Self::Error> {
        ids.iter_mut().try_for_each(|id| {
            *id = self.name(*id)?;
            Ok(())
        })
    }
}
