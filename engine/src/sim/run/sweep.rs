//! Somebody who sweeps, as `drsctl sweep` does it, until nothing is left to be swept.

use jiff::{SignedDuration, Timestamp};

use crate::begin::Whose;
use crate::drive::DriveError;
use crate::event::Author;
use crate::ids::ExecutionId;
use crate::ports::Clock;
use crate::store::executions::HistoryError;
use crate::sweep::{Chore, chore};

use super::{MISFITS, Process, TRIES};

/// Who sweeps.
const SWEEPER: &str = "arn:aws:iam::111122223333:role/sweeper";

/// Sweeps again and again, until no run is wanted any more and nothing is marked.
pub(super) async fn sweep(process: Process) {
    for _ in 0..TRIES {
        process.rest(SignedDuration::from_secs(300)).await;
        match sweep_once(&process).await {
            Ok(0) if process.is_concluded() => return,
            Ok(_) => {}
            Err(error) => process
                .context
                .hub
                .trace(|| format!("the sweeper trips: {error}")),
        }
    }
    panic!("something is always left to be swept");
}

/// Sweeps until nothing is marked.
#[cfg(test)]
pub(super) async fn sweep_marked(process: Process) {
    for _ in 0..TRIES {
        if sweep_once(&process).await.is_ok_and(|marked| marked == 0) {
            return;
        }
        process.rest(SignedDuration::from_secs(300)).await;
    }
    panic!("something is always left to be swept");
}

/// How many executions are marked, now or for later; those that are due are taken up.
async fn sweep_once(process: &Process) -> Result<usize, DriveError> {
    let found = process.driver.executions.to_be_swept(Timestamp::MAX).await;
    let found = found.map_err(|error| DriveError::History(HistoryError::Read(error)))?;
    let count = found.len();
    for marker in found {
        if marker.at <= process.driver.clock.now().world {
            sweep_one(process, &marker.execution_id).await?;
        }
    }
    Ok(count)
}

async fn sweep_one(process: &Process, id: &ExecutionId) -> Result<(), DriveError> {
    let driver = &process.driver;
    let state = driver.load(id).await?;
    let Some(found) = chore(&state, driver.clock.now(), "the sweeper") else {
        return Ok(());
    };
    if let Chore::CleanUp(wishes) = found {
        process.context.hub.count("drills swept");
        for wish in wishes {
            let by = Author::Operator(SWEEPER.to_owned());
            driver.request(id, by, wish, &process.watch).await?;
        }
    }
    if let Whose::OwnedBy(_) = driver.ownership(id).await? {
        return Ok(());
    }
    driver.take_over(id, &process.watch).await?;
    let driven = driver.drive(id, &process.watch).await;
    if let Err(DriveError::Illegal(_)) = &driven {
        process.context.hub.count(MISFITS);
    }
    driven.map(drop)
}
