//! Driving an execution in this process, while it is printed as `watch` does and until somebody interrupts it.
//!
//! The loop is the engine's; here is who may drive. Whoever else drives is left to it and followed; when that process
//! falls silent, this one takes over. The driver works in a task of its own: a terminal that stands still, or a reader
//! that goes away, does not hold it up.

use std::convert::Infallible;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use drs_engine::begin::Whose;
use drs_engine::decide::is_done;
use drs_engine::decide::view::backoff;
use drs_engine::drive::{DriveError, Driver, Ending as Ended};
use drs_engine::ids::ExecutionId;
use drs_engine::limits;
use drs_engine::ports::{Clock, Outside};
use drs_engine::state::State;
use drs_engine::store::codec::ReadError;
use drs_engine::store::executions::HistoryError;
use drs_engine::store::items::Items;
use drs_engine::time::{Wake, after};
use jiff::SignedDuration;

use crate::commands::watch::Watching;
use crate::failure::{Ending, Failure};
use crate::operator::{Operator, Ports};
use crate::progress::{Part, Progress};
use crate::screen::Screen;
use crate::signals::Interrupts;

/// How often a history that cannot be read is tried again, with a wait that grows to a minute, before it is given up.
const PATIENCE: u32 = 20;
/// Time between two calls to a driver that was asked to stop: one may reach somebody else who sleeps on the same clock.
const CALL_AGAIN: Duration = Duration::from_millis(250);

/// Longest that the last look at the history may take: somebody may have asked twice to stop.
const LAST_LOOK: Duration = Duration::from_secs(5);

/// What came of driving.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Came {
    /// Nothing is left to do.
    Done,
    /// It was interrupted, and stopped at a safe point.
    Stopped,
    /// It was interrupted twice, and the call in flight was not waited for.
    Abandoned,
}

/// Drives or follows an execution until nothing is left to do or it is interrupted, and prints it meanwhile.
pub(crate) async fn drive<P: Ports>(
    operator: &Operator<P>,
    watching: &mut Watching<'_, P::Items, P::Clock>,
    progress: &Arc<Progress>,
    interrupts: &mut Interrupts,
    screen: &mut Screen,
) -> Result<Came, Failure> {
    let worker = Worker {
        driver: Arc::clone(&operator.driver),
        progress: Arc::clone(progress),
        id: watching.id.clone(),
    };
    let working = tokio::spawn(worker.work());
    let abort = working.abort_handle();
    let mut until = pin!(until_end_or_interrupt(
        working,
        progress,
        &operator.wake,
        interrupts
    ));
    // What cannot be printed, or read in order to be printed, is no reason to stop.
    let came = match watching.follow(screen, until.as_mut()).await {
        Ok(Some(came)) => came,
        Ok(None) | Err(_) => until.await,
    };
    if came.is_none() {
        abort.abort();
    }
    let _ = tokio::time::timeout(LAST_LOOK, watching.look_again(screen)).await;
    match came {
        Some(Ok(state)) if is_done(&state) => Ok(Came::Done),
        Some(Ok(_)) => Ok(Came::Stopped),
        Some(Err(error)) => Err(operator.history.undriven(&watching.id, &error)),
        None => Ok(Came::Abandoned),
    }
}

/// What the worker came to; none when it was not waited for.
async fn until_end_or_interrupt(
    mut working: tokio::task::JoinHandle<Result<State, DriveError>>,
    progress: &Progress,
    wake: &(dyn Fn() + Send + Sync),
    interrupts: &mut Interrupts,
) -> Option<Result<State, DriveError>> {
    use drs_engine::drive::Watch as _;

    loop {
        tokio::select! {
            worked = &mut working => return worked.ok(),
            () = interrupts.next() => {
                if progress.is_stopped() {
                    return None;
                }
                if progress.part() == Part::Driving {
                    progress.remark(
                        "interrupted: the call in flight ends and its outcome is recorded; Ctrl-C again does not wait",
                    );
                }
                progress.stop();
                wake();
            }
            () = tokio::time::sleep(CALL_AGAIN), if progress.is_stopped() => wake(),
        }
    }
}

/// Tells that driving was interrupted: what goes on, and how it is taken up.
pub(crate) fn tell_interrupted<P: Ports>(
    operator: &Operator<P>,
    watching: &Watching<'_, P::Items, P::Clock>,
    came: Came,
    screen: &mut Screen,
) -> Result<Ending, Failure> {
    let owner = watching.state.owner.as_ref();
    if owner.is_none_or(|owner| owner.id != operator.driver.owner) {
        return watching.leave(screen);
    }
    let id = &watching.id;
    let jobs: Vec<&str> = watching
        .state
        .running()
        .filter_map(|(_, launch)| launch.phase.job())
        .map(|job| job.as_str())
        .collect();
    let jobs = match jobs.as_slice() {
        [] => "Nothing more is launched meanwhile".to_owned(),
        jobs => format!(
            "Jobs that run go on in DRS ({}), and nothing more is launched meanwhile",
            jobs.join(", ")
        ),
    };
    let abandoned = match came {
        Came::Abandoned => {
            " A call that was in flight has no outcome in the history: whoever drives next looks for its job before \
             anything is launched again. The next one may have to wait half a minute for the silence of this process."
        }
        _ => "",
    };
    let cancel = if watching.state.status.is_terminal() {
        String::new()
    } else {
        format!(" `drsctl cancel {id} --reason TEXT` cancels it.")
    };
    screen.print(&format!(
        "\nStopped driving. Execution {id} goes on without a driver. {jobs}.{abandoned} `drsctl run {id}` takes it up \
         and launches nothing twice.{cancel}"
    ))?;
    Ok(Ending::Interrupted)
}

/// One process that drives one execution, or waits for its turn.
struct Worker<D, I, C> {
    driver: Arc<Driver<D, I, C>>,
    progress: Arc<Progress>,
    id: ExecutionId,
}

impl<D: Outside, I: Items + Clone, C: Clock> Worker<D, I, C> {
    /// Drives or follows until nothing is left to do, or until it is asked to stop.
    async fn work(self) -> Result<State, DriveError> {
        use drs_engine::drive::Watch as _;

        let mut failures = 0;
        for _ in 0..limits::TURNS_PER_DRIVE {
            let step = self.step().await;
            match step {
                Ok(state) if is_done(&state) => return Ok(state),
                Ok(state) if self.progress.is_stopped() => {
                    self.leave(&state).await;
                    return Ok(state);
                }
                Ok(_) => failures = 0,
                Err(error) if self.progress.is_stopped() => return Err(error),
                Err(error) if is_passing(&error) && failures < PATIENCE => {
                    failures += 1;
                    self.progress.remark(format!("{error}; it is tried again"));
                    self.pause(backoff(self.id.as_str(), failures, None)).await;
                }
                Err(error) => return Err(error),
            }
        }
        Err(DriveError::TooManyTurns)
    }

    /// Drives for as long as this process owns the execution, or waits a little while another does.
    async fn step(&self) -> Result<State, DriveError> {
        use drs_engine::drive::Watch as _;

        let state = self.driver.load(&self.id).await?;
        if is_done(&state) || self.progress.is_stopped() {
            return Ok(state);
        }
        if let Whose::OwnedBy(sign) = self.driver.whose(&self.id, &state).await?
            && sign.owner != self.driver.owner
        {
            self.progress.plays(Part::Following(sign.host));
            self.pause(limits::HEARTBEAT_INTERVAL).await;
            return Ok(state);
        }
        if state.owner.as_ref().map(|owner| &owner.id) != Some(&self.driver.owner) {
            self.driver.take_over(&self.id, &*self.progress).await?;
        }
        self.progress.plays(Part::Driving);
        // A call may take longer than an owner may be silent, so the sign of life does not wait for it.
        let (state, ended) = tokio::select! {
            driven = self.driver.drive(&self.id, &*self.progress) => driven?,
            never = self.stay_alive() => match never {},
        };
        if let Ended::OwnedBy(owner) = ended {
            self.progress.plays(Part::Following(owner.host));
        }
        Ok(state)
    }

    /// Says that this process lives, until the drive that it goes with has ended.
    async fn stay_alive(&self) -> Infallible {
        loop {
            tokio::time::sleep(limits::HEARTBEAT_INTERVAL.unsigned_abs()).await;
            if let Err(error) = self.driver.keep_alive(&self.id).await {
                self.progress
                    .remark(format!("no sign of life could be given: {error}"));
            }
        }
    }

    /// Lets whoever comes next take over at once. A lost word only makes them wait.
    async fn leave(&self, state: &State) {
        if state.owner.as_ref().map(|owner| &owner.id) == Some(&self.driver.owner) {
            let _ = self.driver.leave(&self.id).await;
        }
    }

    async fn pause(&self, wait: SignedDuration) {
        let mut wake = Wake::default();
        wake.at_wall(after(self.driver.clock.now().wall, wait));
        self.driver.clock.sleep(wake).await;
    }
}

/// Whether the same may work later.
fn is_passing(error: &DriveError) -> bool {
    match error {
        DriveError::History(HistoryError::Read(ReadError::Call(error))) => error.is_retryable(),
        DriveError::Contended | DriveError::TakenMeanwhile(_) => true,
        _ => false,
    }
}
