//! What evaluators and agents read of a live episode: always of a copy, so that nobody waits for them.

use super::lane::{self, Lane};
use super::live::{Live, no_checkpoint};
use super::{RegistryError, Turn};
use calls::{Episode, Export, Summary};
use store::canonical::{Extent, StateHash};
use store::difference::Difference;
use store::{Entry, Mark, Obligation};

/// Most bytes of calls on a page of a journal, after which it ends early; one call is always on it.
const PAGE: usize = 4 << 20;

/// Some calls of a journal, in order.
pub struct JournalPage {
    /// The calls.
    pub calls: Vec<Entry>,
    /// The duties that they left, paid or not, in the order in which they arose.
    pub obligations: Vec<Obligation>,
    /// The moves of the clock between them, in order.
    pub advances: Vec<Mark>,
    /// The number of the last call on the page, where there are more.
    pub next: Option<i64>,
}

impl Live {
    /// Look at the present state, as an agent does.
    pub async fn look<T, F>(&self, look: F) -> Result<T, RegistryError>
    where
        T: Send + 'static,
        F: FnOnce(&mut Episode) -> Result<T, RegistryError> + Send + 'static,
    {
        self.read(&self.lanes().calls, lane::has_light_records, look).await
    }

    /// Look at the present state, as an evaluator does.
    async fn inspect<T, F>(&self, look: F) -> Result<T, RegistryError>
    where
        T: Send + 'static,
        F: FnOnce(&mut Episode) -> Result<T, RegistryError> + Send + 'static,
    {
        self.read(&self.lanes().reads, lane::is_light_read, look).await
    }

    async fn read<T, F>(&self, lane: &Lane, is_light: fn(&Episode) -> bool, look: F) -> Result<T, RegistryError>
    where
        T: Send + 'static,
        F: FnOnce(&mut Episode) -> Result<T, RegistryError> + Send + 'static,
    {
        let mut turn = self.turn().await?;
        // The pages are shared, so a copy costs next to nothing. A state in a file of its own is nobody else's.
        let Some(copy) = turn.episode().fork() else { return look(turn.episode_mut()) };
        drop(turn);
        read(copy, lane, is_light, look).await
    }

    /// What differs between the image and the present state.
    pub async fn since_image(&self, extent: Extent) -> Result<Vec<Difference>, RegistryError> {
        self.inspect(move |present| {
            let mut image = present.fork().ok_or(RegistryError::OwnFile)?;
            image.reset();
            Ok(image.difference(present, extent)?)
        })
        .await
    }

    /// What differs between a checkpoint and the present state.
    pub async fn since_checkpoint(&self, name: &str, extent: Extent) -> Result<Vec<Difference>, RegistryError> {
        let turn = self.turn().await?;
        let earlier = turn.checkpoint(name).ok_or_else(|| no_checkpoint(&turn.state, name))?;
        let (Some(mut earlier), Some(present)) = (earlier.fork(), turn.episode().fork()) else {
            return Err(RegistryError::OwnFile);
        };
        drop(turn);
        let look = move |present: &mut Episode| Ok(earlier.difference(present, extent)?);
        read(present, &self.lanes().reads, lane::is_light_read, look).await
    }

    /// What differs between another episode and this one.
    pub async fn since_episode(&self, other: &Live, extent: Extent) -> Result<Vec<Difference>, RegistryError> {
        // Never two turns at once: two episodes that are compared with each other would wait for each other.
        let mut other = other.turn().await?.episode().fork().ok_or(RegistryError::OwnFile)?;
        self.inspect(move |present| Ok(other.difference(present, extent)?)).await
    }

    /// The hash of the present state.
    pub async fn hash(&self, extent: Extent) -> Result<StateHash, RegistryError> {
        self.inspect(move |present| Ok(present.hash(extent)?)).await
    }

    /// Calls after that number, at most so many, and the duties that they left.
    pub async fn journal(&self, after: i64, limit: usize) -> Result<JournalPage, RegistryError> {
        self.inspect(move |present| {
            let (calls, obligations) = present.journal_page(after, limit, PAGE)?;
            let last = calls.last().map(|entry| entry.call);
            let total = i64::try_from(present.tally().calls).unwrap_or(i64::MAX);
            let next = last.filter(|last| *last < total);
            let mut advances = present.advances(after)?;
            advances.retain(|mark| next.is_none_or(|next| mark.after < next));
            Ok(JournalPage { calls, obligations, advances, next })
        })
        .await
    }

    /// The episode cut in two before that call.
    pub async fn export(&self, from: Option<i64>) -> Result<Export, RegistryError> {
        self.inspect(move |present| Ok(present.export(from)?)).await
    }

    /// What has happened so far.
    pub async fn summary(&self) -> Result<Summary, RegistryError> {
        self.inspect(|present| Ok(present.summary()?)).await
    }

    /// The same, within a turn.
    pub(super) async fn summary_of(&self, turn: &mut Turn) -> Result<Summary, RegistryError> {
        match turn.episode().fork() {
            Some(copy) => read(copy, &self.lanes().reads, lane::is_light_read, |copy| Ok(copy.summary()?)).await,
            None => Ok(turn.episode_mut().summary()?),
        }
    }
}

/// Look at a state, here or in that lane.
async fn read<T, F>(mut copy: Episode, lane: &Lane, is_light: fn(&Episode) -> bool, look: F) -> Result<T, RegistryError>
where
    T: Send + 'static,
    F: FnOnce(&mut Episode) -> Result<T, RegistryError> + Send + 'static,
{
    match is_light(&copy) {
        true => look(&mut copy),
        false => lane.run(move || look(&mut copy)).await.map_err(RegistryError::Broken)?,
    }
}
