//! `drsctl watch`: follows an execution until it has ended.
//!
//! It only reads the history; whoever drives the execution does not notice. On a terminal it redraws a table, in a pipe
//! it prints a line for everything that happens.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::pin;
use std::time::{Duration, Instant};

use drs_engine::decide::is_done;
use drs_engine::ids::ExecutionId;
use drs_engine::limits;
use drs_engine::ports::Clock;
use drs_engine::report::{self, Driven, Timeline};
use drs_engine::state::State;
use drs_engine::store::codec::ReadError;
use drs_engine::store::executions::HistoryError;
use drs_engine::store::items::Items;
use drs_engine::time::{Wake, after};
use jiff::{SignedDuration, Timestamp};

use crate::cli::{Place, Watch};
use crate::connect::{self, Connection};
use crate::failure::{Ending, Failure};
use crate::history::History;
use crate::json;
use crate::progress::{Part, Progress};
use crate::screen::{Outputs, Screen, Size};

use super::{advice, outcome};

/// Time between two frames on a terminal; durations are shown in seconds.
const TICK: SignedDuration = SignedDuration::from_secs(1);
/// Time between two looks for an execution that is waited for.
const WAIT_INTERVAL: Duration = Duration::from_secs(1);
/// Lines of the timeline that stand below the table.
const RECENT: usize = 6;
/// Looks at the history that may fail one after the other before watching is given up: five minutes.
const FAILED_LOOKS: u32 = 150;

/// Finds an execution, as long as may be waited for one, and follows it.
pub(crate) async fn run(
    place: &Place,
    asked: &Watch,
    outputs: &mut Outputs,
    stop: impl Future<Output = ()>,
) -> Result<Ending, Failure> {
    let mut stop = pin!(stop);
    let (connection, id) = tokio::select! {
        biased;
        () = &mut stop => return Ok(Ending::Interrupted),
        found = find(place, asked) => found?,
    };
    let history = connection.history();
    let ending = watch(&history, id.clone(), &mut outputs.people, stop).await?;
    if outputs.document.is_some() {
        let loaded = history.load(&id).await?;
        let told = report::timeline(loaded.frozen, &loaded.events);
        let (state, ..) = told.map_err(|error| history.illegal(&id, &error))?;
        let driven = history.driven(&state).await;
        let driven = driven.map_err(|error| history.unreadable(&error))?;
        outputs.print_document(|| json::execution(&state, driven))?;
    }
    Ok(ending)
}

/// The execution that was asked for, where it is, or where it comes to be in time. When none has come by then, any will do.
async fn find(place: &Place, asked: &Watch) -> Result<(Connection, ExecutionId), Failure> {
    let named = asked.execution.as_deref();
    let began = Timestamp::now();
    let deadline = Instant::now() + Duration::from_secs(asked.wait.into());
    let mut connection = None;
    while Instant::now() < deadline {
        match look_for(place, &mut connection, named, began).await {
            Ok(id) => return Ok((connected(place, connection).await?, id)),
            Err(failure) if failure.is_worth_waiting() => tokio::time::sleep(WAIT_INTERVAL).await,
            Err(failure) => return Err(failure),
        }
    }
    let connection = connected(place, connection).await?;
    let id = connection.history().choose(named).await?;
    Ok((connection, id))
}

async fn look_for(
    place: &Place,
    connection: &mut Option<Connection>,
    named: Option<&str>,
    began: Timestamp,
) -> Result<ExecutionId, Failure> {
    let connected = connected(place, connection.take()).await?;
    let found = connected.history().choose_new(named, began).await;
    *connection = Some(connected);
    found
}

async fn connected(place: &Place, connection: Option<Connection>) -> Result<Connection, Failure> {
    match connection {
        Some(connection) => Ok(connection),
        None => connect::existing(place).await,
    }
}

/// Follows an execution until it has ended, or `stop` is ready.
pub(crate) async fn watch<I: Items + Clone, C: Clock>(
    history: &History<I, C>,
    id: ExecutionId,
    screen: &mut Screen,
    stop: impl Future<Output = ()>,
) -> Result<Ending, Failure> {
    let nobody = Progress::default();
    let (mut watching, told) = Watching::open(history, id, &nobody).await?;
    watching.take(told, screen)?;
    watching.tell_driver(screen)?;
    match watching.follow(screen, stop).await? {
        None if is_done(&watching.state) => watching.end(screen),
        _ => watching.leave(screen),
    }
}

/// What a watcher has seen.
pub(crate) struct Watching<'a, I, C> {
    pub(crate) id: ExecutionId,
    pub(crate) state: State,
    pub(crate) driven: Driven,
    history: &'a History<I, C>,
    /// What a driver in this process says, where there is one.
    progress: &'a Progress,
    timeline: Timeline,
    recent: VecDeque<String>,
    trouble: Option<String>,
    failed_looks: u32,
    next_look: Timestamp,
}

impl<'a, I: Items + Clone, C: Clock> Watching<'a, I, C> {
    /// Looks at an execution for the first time; also the lines that tell what happened up to now.
    pub(crate) async fn open(
        history: &'a History<I, C>,
        id: ExecutionId,
        progress: &'a Progress,
    ) -> Result<(Self, Vec<String>), Failure> {
        let loaded = history.load(&id).await?;
        let told = report::timeline(loaded.frozen, &loaded.events);
        let (state, timeline, told) = told.map_err(|error| history.illegal(&id, &error))?;
        let driven = history.driven(&state).await;
        let watching = Self {
            id,
            driven: driven.map_err(|error| history.unreadable(&error))?,
            state,
            history,
            progress,
            timeline,
            recent: VecDeque::new(),
            trouble: None,
            failed_looks: 0,
            next_look: Timestamp::MIN,
        };
        Ok((watching, told))
    }

    /// Prints what happens until `until` is ready, or until nothing is left to happen: then none.
    pub(crate) async fn follow<T>(
        &mut self,
        screen: &mut Screen,
        until: impl Future<Output = T>,
    ) -> Result<Option<T>, Failure> {
        let mut until = pin!(until);
        for _ in 0..limits::TURNS_PER_DRIVE {
            if is_done(&self.state) {
                break;
            }
            self.draw(screen)?;
            tokio::select! {
                biased;
                done = &mut until => return Ok(Some(done)),
                looked = self.wait_and_look(screen) => looked?,
            }
        }
        Ok(None)
    }

    /// A last look, whether or not it is time for one; what cannot be read now stays unknown.
    pub(crate) async fn look_again(&mut self, screen: &mut Screen) -> Result<(), Failure> {
        let _ = self.read(screen).await?;
        self.take_remarks(screen)?;
        self.draw(screen)
    }

    async fn wait_and_look(&mut self, screen: &mut Screen) -> Result<(), Failure> {
        let tick = match screen.size() {
            Some(_) => TICK,
            None => limits::FOLLOW_INTERVAL,
        };
        let mut wake = Wake::default();
        wake.at_wall(after(self.history.clock.now().wall, tick));
        self.history.clock.sleep(wake).await;
        self.look(screen).await?;
        self.take_remarks(screen)
    }

    /// What a driver in this process says beside the history.
    fn take_remarks(&mut self, screen: &mut Screen) -> Result<(), Failure> {
        let at = report::clock(self.history.clock.now().world);
        let remarks = self.progress.take_remarks();
        let lines = remarks.iter().map(|remark| format!("{at}  {remark}"));
        self.take(lines.collect(), screen)
    }

    /// Reads what was written since the last look, when it is time for that.
    async fn look(&mut self, screen: &mut Screen) -> Result<(), Failure> {
        let now = self.history.clock.now().wall;
        if now < self.next_look {
            return Ok(());
        }
        self.next_look = after(now, limits::FOLLOW_INTERVAL);
        match self.read(screen).await? {
            Ok(()) => {
                self.failed_looks = 0;
                self.trouble = None;
            }
            Err(error) => self.note_trouble(&error, screen)?,
        }
        Ok(())
    }

    /// The inner result is about reading; the outer one about everything that ends watching at once.
    async fn read(&mut self, screen: &mut Screen) -> Result<Result<(), ReadError>, Failure> {
        let executions = &self.history.executions;
        let events = match executions.load_after(&self.id, self.state.seq).await {
            Ok(events) => events,
            Err(HistoryError::Read(error)) => return Ok(Err(error)),
            Err(error) => return Err(self.history.missing(&error)),
        };
        for recorded in &events {
            self.state
                .apply(recorded)
                .map_err(|error| self.history.illegal(&self.id, &error))?;
            let lines = self.timeline.tell(&self.state, recorded);
            self.take(lines, screen)?;
        }
        let before = self.driven;
        match self.history.driven(&self.state).await {
            Ok(driven) => self.driven = driven,
            Err(error) => return Ok(Err(error)),
        }
        if (before == Driven::Yes) != (self.driven == Driven::Yes) {
            self.tell_driver(screen)?;
        }
        Ok(Ok(()))
    }

    /// A store that cannot be read for a while is no reason to stop; one that refuses is.
    fn note_trouble(&mut self, error: &ReadError, screen: &mut Screen) -> Result<(), Failure> {
        let passes = matches!(error, ReadError::Call(call) if call.is_retryable());
        self.failed_looks += 1;
        if !passes || self.failed_looks >= FAILED_LOOKS {
            let again = format!("`drsctl watch {}` follows it again.", self.id);
            return Err(self.history.unreadable(error).help(again));
        }
        let text = format!("the history cannot be read now, trying again: {error}");
        if self.trouble.is_none() && screen.size().is_none() {
            screen.print(&text)?;
        }
        self.trouble = Some(text);
        Ok(())
    }

    /// Lines of the timeline: printed in a pipe, the last few kept for the frame on a terminal.
    pub(crate) fn take(&mut self, lines: Vec<String>, screen: &mut Screen) -> Result<(), Failure> {
        if screen.size().is_none() {
            return Ok(screen.print(&lines.join("\n"))?);
        }
        self.recent.extend(lines);
        let surplus = self.recent.len().saturating_sub(RECENT);
        self.recent.drain(..surplus);
        Ok(())
    }

    /// In a pipe, says who drives the execution while that matters, and is not this process.
    fn tell_driver(&self, screen: &mut Screen) -> Result<(), Failure> {
        let is_own = self.progress.part() == Part::Driving;
        if is_own || screen.size().is_some() || is_done(&self.state) {
            return Ok(());
        }
        let at = report::clock(self.history.clock.now().world);
        let driver = report::driver(&self.state, self.driven);
        Ok(screen.print(&format!("{at}  {driver}"))?)
    }

    pub(crate) fn draw(&self, screen: &mut Screen) -> Result<(), Failure> {
        match screen.size() {
            Some(size) => Ok(screen.draw(&self.frame(size))?),
            None => Ok(()),
        }
    }

    /// The table above, then who drives it, then what happened last; as much as the terminal has rows for.
    fn frame(&self, size: Size) -> String {
        let mut below: Vec<String> = Vec::new();
        if !is_done(&self.state) {
            below.extend([String::new(), report::driver(&self.state, self.driven)]);
        }
        below.extend(self.trouble.clone());
        below.push(String::new());
        below.extend(self.recent.iter().cloned());
        // The last row of the screen is the cursor's.
        let rows = size.rows.saturating_sub(1 + below.len()).max(1);
        let board = report::board(&self.state, self.history.clock.now().world, rows);
        format!("{board}{}\n", below.join("\n"))
    }

    /// The execution has ended.
    pub(crate) fn end(&self, screen: &mut Screen) -> Result<Ending, Failure> {
        match screen.size() {
            Some(_) => self.draw(screen)?,
            None => screen.print(&report::headline(&self.state))?,
        }
        screen.print(&advice(&self.state, self.driven))?;
        Ok(outcome(&self.state))
    }

    /// Somebody stopped watching.
    pub(crate) fn leave(&self, screen: &mut Screen) -> Result<Ending, Failure> {
        let fate = match self.driven {
            Driven::Yes => "it goes on",
            Driven::Silent(_) => "it is as it was",
        };
        screen.print(&format!(
            "\nStopped watching. Execution {id} was not touched, {fate}: {driver}. `drsctl watch {id}` follows it \
             again.",
            id = self.id,
            driver = report::driver(&self.state, self.driven),
        ))?;
        Ok(Ending::Interrupted)
    }
}
