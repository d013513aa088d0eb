//! One execution in the hands of one request: followed, taken over where nobody drives it, cancelled, terminated.

use std::convert::Infallible;
use std::sync::{Mutex, PoisonError};

use drs_engine::begin::Whose;
use drs_engine::decide::is_done;
use drs_engine::decide::view::backoff;
use drs_engine::drive::{DriveError, Ending, Watch};
use drs_engine::event::{Author, Event, Recorded};
use drs_engine::ids::ExecutionId;
use drs_engine::limits;
use drs_engine::ports::{CallError, Clock as _};
use drs_engine::state::{State, Status};
use drs_engine::store::codec::ReadError;
use drs_engine::store::executions::HistoryError;
use drs_engine::time::{Wake, after};
use drs_engine_aws::limits::MACHINE_FIRST_WORD;
use drs_engine_aws::machines::{Hosting, Standing};
use jiff::{SignedDuration, Timestamp};
use tfplugin::{Context, CriticalSection, Diagnostic};

use crate::client::{Alarm, Client, ProviderDriver};
use crate::diagnose;
use crate::progress::{Progress, Reason};

/// How often a history that cannot be read is tried again, with a wait that grows to a minute, before a run is given up.
const PATIENCE: u32 = 20;
/// Wall time for which another process is followed before its sign of life is looked at again.
const FOLLOW_SLICE: SignedDuration = SignedDuration::from_secs(10);

/// An execution that a request works on.
pub(crate) struct Run<'a> {
    client: &'a Client,
    driver: ProviderDriver,
    progress: Progress,
    id: ExecutionId,
    /// The run of a state machine that was begun for it just now, and when, in wall time.
    hosting: Option<(Hosting, Timestamp)>,
    /// How that run ended before the execution did.
    stopped: Mutex<Option<Standing>>,
    /// Wakes the driver when the request is asked to stop.
    _alarm: Alarm,
}

impl<'a> Run<'a> {
    /// Begins to work on an execution, for at most so much world time.
    pub(crate) fn new(
        cx: &Context<Client>,
        client: &'a Client,
        id: &ExecutionId,
        timeout: Option<SignedDuration>,
    ) -> Self {
        let clock = client.session().clock();
        let deadline = timeout.map(|timeout| after(clock.now().world, timeout));
        Self {
            driver: client.driver(),
            progress: Progress::new(
                cx.stop_signal(),
                client.critical_sections().clone(),
                clock,
                deadline,
            ),
            id: id.clone(),
            hosting: None,
            stopped: Mutex::default(),
            _alarm: client.wake_on_stop(cx.stop_signal()),
            client,
        }
    }

    /// The same, which does not wait for somebody who lets a paused execution go on.
    pub(crate) fn returning_on_pause(mut self, returns: bool) -> Self {
        self.progress = self.progress.returning_on_pause(returns);
        self
    }

    /// The same, which tells whoever runs an action what happens.
    pub(crate) fn telling(mut self, told: &tfplugin::Progress) -> Self {
        self.progress = self.progress.telling(told.clone());
        self
    }

    /// The same for an execution that a state machine is to drive, whose run was begun just now.
    pub(crate) fn hosted(mut self, hosting: Option<Hosting>) -> Self {
        let wall = self.driver.clock.now().wall;
        self.hosting = hosting.map(|hosting| (hosting, wall));
        self
    }

    /// That the run of the state machine ended before the execution did, so that this process drove it.
    pub(crate) fn stopped(&self) -> Option<Diagnostic> {
        let (hosting, _) = self.hosting.as_ref()?;
        let stopped = self.stopped.lock();
        let stopped = stopped.unwrap_or_else(PoisonError::into_inner);
        let host = hosting.host();
        let standing = stopped.as_ref()?;
        Some(Diagnostic::warning(
            "The State Machine Stopped",
            format!(
                "Its run {host} is {standing}, and execution {} was not at its end: this process took it over. `aws \
                 stepfunctions get-execution-history --execution-arn {host} --reverse-order` says why it ended.",
                self.id
            ),
        ))
    }

    pub(crate) fn client(&self) -> &Client {
        self.client
    }

    /// Why the work was broken off, when it was.
    pub(crate) fn reason(&self) -> Option<Reason> {
        self.progress.reason()
    }

    /// What AWS refused, where that may be why the execution did not get on.
    pub(crate) fn obstacle(&self) -> Option<Diagnostic> {
        let error = self.progress.obstacle()?;
        Some(diagnose::call(&error, &self.client.target()))
    }

    /// The execution as its history tells it.
    pub(crate) async fn load(&self) -> Result<State, DriveError> {
        self.driver.load(&self.id).await
    }

    /// Follows the execution until nothing is left to do, or until there is a reason to stop. Whoever else drives it is left
    /// to it; when nobody does, this process takes over.
    pub(crate) async fn follow(&self, mut state: State) -> Result<State, DriveError> {
        let mut failures = 0;
        for _ in 0..limits::TURNS_PER_DRIVE {
            if is_done(&state) {
                return Ok(state);
            }
            self.progress.sees(&state);
            if self.reason().is_some() {
                self.leave(&state).await;
                return Ok(state);
            }
            match self.step(&state).await {
                Ok(next) => {
                    state = next;
                    failures = 0;
                }
                Err(error) if is_passing(&error) && failures < PATIENCE => {
                    failures += 1;
                    tracing::warn!(execution = self.id.as_str(), "{error}; it is tried again");
                    self.pause(failures).await;
                }
                Err(error) => return Err(error),
            }
        }
        Err(DriveError::TooManyTurns)
    }

    /// Lets whoever comes next take over at once.
    async fn leave(&self, state: &State) {
        let owner = state.owner.as_ref().map(|owner| &owner.id);
        if owner == Some(&self.driver.owner)
            && let Err(error) = self.driver.leave(&self.id).await
        {
            tracing::debug!(execution = self.id.as_str(), "{error}");
        }
    }

    /// Drives or follows the execution for a while.
    async fn step(&self, state: &State) -> Result<State, DriveError> {
        let whose = self.whose(state).await?;
        let own = matches!(&whose, Whose::OwnedBy(sign) if sign.owner == self.driver.owner);
        if let (Whose::OwnedBy(sign), false) = (&whose, own) {
            tracing::info!(
                execution = self.id.as_str(),
                "{} drives it; it is followed",
                sign.host
            );
            return self.look_on().await;
        }
        if whose == Whose::OwnerGone && self.awaits_machine().await {
            return self.look_on().await;
        }
        if state.owner.as_ref().map(|owner| &owner.id) != Some(&self.driver.owner) {
            self.driver.take_over(&self.id, &self.progress).await?;
        }
        // A call may take longer than an owner may be silent, so the sign of life does not wait for it.
        let (state, ending) = tokio::select! {
            driven = self.driver.drive(&self.id, &self.progress) => driven?,
            never = self.stay_alive() => match never {},
        };
        if let Ending::OwnedBy(owner) = ending {
            tracing::warn!(
                execution = self.id.as_str(),
                "{} has taken over",
                owner.host
            );
        }
        Ok(state)
    }

    /// Follows whoever else drives for a while.
    async fn look_on(&self) -> Result<State, DriveError> {
        let until = after(self.driver.clock.now().wall, FOLLOW_SLICE);
        let slice = Slice {
            progress: &self.progress,
            until,
            driver: &self.driver,
        };
        Ok(self.driver.follow(&self.id, &slice).await?.0)
    }

    /// Whether a state machine whose run was begun just now may still be heard of. One that runs is waited for; when its run
    /// has ended, this process drives the execution as it would any other that nobody drives.
    async fn awaits_machine(&self) -> bool {
        let Some((hosting, begun)) = &self.hosting else {
            return false;
        };
        let waited = self.driver.clock.now().wall.duration_since(*begun);
        if waited.unsigned_abs() < MACHINE_FIRST_WORD {
            return true;
        }
        let machines = self.client.session().state_machines();
        let standing = machines
            .standing(&hosting.state_machine, &hosting.run)
            .await;
        let Ok(standing @ (Standing::Ended(_) | Standing::Missing)) = standing else {
            return true;
        };
        self.progress.remark(&format!(
            "the state machine's run {} is {standing}; this process takes the execution over",
            hosting.host()
        ));
        let mut stopped = self.stopped.lock().unwrap_or_else(PoisonError::into_inner);
        *stopped = Some(standing);
        false
    }

    /// Says that this process lives, until the drive that it goes with has ended.
    async fn stay_alive(&self) -> Infallible {
        loop {
            tokio::time::sleep(limits::HEARTBEAT_INTERVAL.unsigned_abs()).await;
            if let Err(error) = self.driver.keep_alive(&self.id).await {
                tracing::debug!(execution = self.id.as_str(), "no sign of life: {error}");
            }
        }
    }

    /// Who drives the execution. One that has ended may still be terminated by somebody.
    async fn whose(&self, state: &State) -> Result<Whose, DriveError> {
        if !state.status.is_terminal() {
            return self.driver.ownership(&self.id).await;
        }
        let sign = self.driver.executions.sign_of_life(&self.id).await;
        let sign = sign.map_err(|error| DriveError::History(HistoryError::Read(error)))?;
        let now = self.driver.clock.now().wall;
        let fresh = sign.filter(|sign| sign.is_fresh(now));
        Ok(fresh.map_or(Whose::OwnerGone, Whose::OwnedBy))
    }

    /// Ends an execution that runs: nothing more is launched, and its jobs are followed to their end.
    pub(crate) async fn end(&self, state: State) -> Result<State, DriveError> {
        if matches!(state.status, Status::Running | Status::Paused) {
            self.request(Event::CancelRequested {
                reason: "the resource is destroyed".to_owned(),
            })
            .await?;
        }
        if state.status.is_terminal() {
            Ok(state)
        } else {
            self.follow(self.load().await?).await
        }
    }

    /// Terminates what the execution launched, and verifies that it is gone.
    pub(crate) async fn terminate(&self, state: State, reason: &str) -> Result<State, DriveError> {
        if state.is_clean() {
            return Ok(state);
        }
        let pending = state
            .termination
            .as_ref()
            .is_some_and(|termination| termination.finished.is_none());
        if !pending {
            self.request(Event::TerminationRequested {
                reason: reason.to_owned(),
            })
            .await?;
            // Whoever drove the execution to its end has nothing left to do with it.
            if state.owner.as_ref().map(|owner| &owner.id) != Some(&self.driver.owner) {
                self.driver.take_over(&self.id, &self.progress).await?;
            }
        }
        self.follow(self.load().await?).await
    }

    /// Tells that the execution was started, as the driver tells everything after it.
    pub(crate) fn tell_start(&self, state: &State) {
        let first = Recorded {
            seq: 1,
            now: state.started_at,
            author: state.started_by.clone(),
            event: Event::ExecutionStarted(Box::new(state.started.clone())),
        };
        self.progress.on_event(state, &first);
    }

    /// Asks that nothing more be launched, as well as that can be done on the way out.
    pub(crate) async fn cancel(&self, reason: &str) {
        let reason = reason.to_owned();
        if let Err(error) = self.request(Event::CancelRequested { reason }).await {
            tracing::warn!(
                execution = self.id.as_str(),
                "the execution could not be cancelled: {error}"
            );
        }
    }

    /// Notes in the history that Terraform has the result: it is in a state that Terraform gave back to us.
    pub(crate) async fn note_delivered(&self, state: &State) {
        if state.delivered || !state.status.is_terminal() {
            return;
        }
        // With permission to read only, a plan must work all the same; the next apply notes it.
        if let Err(error) = self.request(Event::ResultDelivered).await {
            tracing::debug!(
                execution = self.id.as_str(),
                "the delivery was not noted: {error}"
            );
        }
    }

    /// Notes for this process that the result is on its way to Terraform.
    pub(crate) fn note_returned(&self) {
        self.client.has_returned(&self.id);
    }

    /// Writes a request down, by whoever these credentials are, and wakes the state machine that waits for one.
    pub(crate) async fn request(&self, event: Event) -> Result<State, DriveError> {
        let by = Author::Operator(self.client.session().identity().arn.clone());
        let state = self
            .driver
            .request(&self.id, by, event, &self.progress)
            .await?;
        let machines = self.client.session().state_machines();
        if let Some(remark) = machines.hear(&self.driver.executions, &state).await {
            self.progress.remark(&remark);
        }
        Ok(state)
    }

    async fn pause(&self, failures: u32) {
        let wait = backoff(self.id.as_str(), failures, None);
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

/// Watches somebody else's execution for a while.
struct Slice<'a> {
    progress: &'a Progress,
    driver: &'a ProviderDriver,
    until: Timestamp,
}

impl Watch for Slice<'_> {
    type Critical = CriticalSection;

    fn is_stopped(&self) -> bool {
        self.progress.is_stopped() || self.driver.clock.now().wall >= self.until
    }

    fn on_event(&self, state: &State, recorded: &Recorded) {
        self.progress.on_event(state, recorded);
    }

    fn on_trouble(&self, error: &CallError) {
        self.progress.on_trouble(error);
    }

    fn on_look(&self, _: usize) {}

    async fn critical(&self) -> CriticalSection {
        self.progress.critical().await
    }
}
