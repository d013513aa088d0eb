//! The newest executions, whatever their plan: for lists and for people, never for guards.
//!
//! There is no index over everything, on purpose: it would be one hot partition. There is one per status and one per
//! plan; the newest of all are the newest of every status, merged.

use crate::ids::PlanId;
use crate::state::Status;

use super::codec::ReadError;
use super::executions::Executions;
use super::items::{Item, Items};
use super::summary::Summary;

/// Pages that are read for one list, however few of their executions are wanted.
const PAGES: usize = 50;
/// Executions of one page.
const PAGE: usize = 100;

impl<I: Items> Executions<I> {
    /// The newest executions in these statuses, newest first; eventually consistent.
    ///
    /// # Errors
    ///
    /// When the store cannot be read.
    pub async fn newest(&self, statuses: &[&str], limit: usize) -> Result<Vec<Summary>, ReadError> {
        let mut found = Vec::new();
        for status in statuses {
            let mut start: Option<Item> = None;
            let mut of_status = Vec::new();
            for _ in 0..PAGES {
                let wanted = PAGE.min(limit.saturating_sub(of_status.len()));
                if wanted == 0 {
                    break;
                }
                let (page, next) = self.list_by_status(status, start, wanted).await?;
                of_status.extend(page);
                start = next;
                if start.is_none() {
                    break;
                }
            }
            found.extend(of_status);
        }
        Ok(newest_first(found, limit))
    }

    /// The newest executions of a plan in these statuses, newest first; eventually consistent.
    ///
    /// # Errors
    ///
    /// When the store cannot be read.
    pub async fn newest_of_plan(
        &self,
        plan: &PlanId,
        statuses: &[&str],
        limit: usize,
    ) -> Result<Vec<Summary>, ReadError> {
        let mut found = Vec::new();
        let mut start: Option<Item> = None;
        for _ in 0..PAGES {
            let (page, next) = self.list_by_plan(plan, start, PAGE).await?;
            let wanted = |summary: &Summary| statuses.contains(&summary.status.as_str());
            found.extend(page.into_iter().filter(wanted));
            start = next;
            if start.is_none() || found.len() >= limit {
                break;
            }
        }
        Ok(newest_first(found, limit))
    }

    /// The newest execution that has not ended; where all have, the newest.
    ///
    /// # Errors
    ///
    /// When the store cannot be read.
    pub async fn newest_running(&self) -> Result<Option<Summary>, ReadError> {
        let mut running = self.newest(&Status::LIVE, 1).await?;
        if running.is_empty() {
            running = self.newest(&Status::WORDS, 1).await?;
        }
        Ok(running.pop())
    }
}

/// Executions that started in the same second stand in the order of their ids, so that a list is the same every time.
fn newest_first(mut found: Vec<Summary>, limit: usize) -> Vec<Summary> {
    found.sort_by(|one, other| {
        let newer = other.started_at.cmp(&one.started_at);
        newer.then_with(|| one.execution_id.cmp(&other.execution_id))
    });
    found.truncate(limit);
    found
}
