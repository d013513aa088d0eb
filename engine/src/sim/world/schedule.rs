//! The schedule of one server's launch: what happens in which phase, when, and what goes wrong.
//!
//! The order of the phases and the lines of the log are those of jobs that AWS recorded. Two things nobody published are
//! guesses: a launch from a named point in time has no snapshot phase, and the recovery mode `FAST` has no conversion.

use jiff::{SignedDuration, Timestamp};

use super::model::{Course, LogData, LogEntry, LogEvent, Outcome};
use super::pace::Pace;
use crate::sim::fleet::{FaultPhase, LaunchFault};
use crate::time::after;

/// What a server is launched from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source {
    /// A snapshot that is taken now.
    Fresh,
    /// Its last consistent state, after a fresh snapshot was waited for in vain.
    Unreachable,
    /// A point in time that was named.
    Named,
}

/// What is known about a launch before it is scheduled.
pub(super) struct Order<'a> {
    /// The server's position in its job.
    pub(super) position: usize,
    /// The instance that it will have.
    pub(super) instance_id: &'a str,
    pub(super) source: Source,
    /// Whether the launch converts.
    pub(super) converts: bool,
    pub(super) fault: Option<&'a LaunchFault>,
    /// The previous instances that are to be removed first.
    pub(super) previous: Previous,
}

/// The previous instances of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Previous {
    /// There are none.
    None,
    /// They can be removed.
    Removable,
    /// EC2 refuses to terminate at least one.
    Protected,
}

/// The schedule of a launch.
pub(super) struct Schedule {
    pub(super) course: Course,
    /// When the removal of the previous instances begins and ends.
    pub(super) cleanup: Option<(Timestamp, Timestamp)>,
    /// When the server is through with the job, whether it has an outcome or not.
    pub(super) over_at: Timestamp,
    /// In order of time.
    pub(super) log: Vec<LogEntry>,
}

/// Schedules the launch of one server.
pub(super) fn launch(order: &Order<'_>, started_at: Timestamp, pace: &mut Pace) -> Schedule {
    let mut line = Line {
        at: started_at,
        position: order.position,
        log: Vec::new(),
    };
    let cleanup = clean_up(order, &mut line, pace);
    let mut launch_started_at = None;
    let outcome = snapshot(order, &mut line, pace)
        .and_then(|()| convert(order, &mut line, pace))
        .and_then(|()| start(order, &mut line, pace, &mut launch_started_at));
    let outcome = match outcome {
        Ok(()) => Outcome::Launched,
        Err(stop) => stop,
    };
    Schedule {
        course: Course {
            launch_started_at,
            ended_at: (outcome != Outcome::None).then_some(line.at),
            outcome,
        },
        cleanup,
        over_at: line.at,
        log: line.log,
    }
}

/// The log of one server as it is written.
struct Line {
    at: Timestamp,
    position: usize,
    log: Vec<LogEntry>,
}

impl Line {
    fn wait(&mut self, wait: SignedDuration) {
        self.at = after(self.at, wait);
    }

    fn log(&mut self, event: LogEvent, data: LogData) {
        self.log.push(LogEntry {
            at: self.at,
            event,
            participant: Some(self.position),
            data,
        });
    }

    /// Writes down a failure, which ends the launch.
    fn fail(&mut self, event: LogEvent, fault: &LaunchFault) -> Outcome {
        let raw = fault
            .raw_error
            .as_deref()
            .unwrap_or(typical_error(fault.phase));
        self.log(event, LogData::RawError(raw.to_owned()));
        Outcome::Failed
    }
}

fn clean_up(order: &Order<'_>, line: &mut Line, pace: &mut Pace) -> Option<(Timestamp, Timestamp)> {
    if order.previous == Previous::None {
        return None;
    }
    let begun = line.at;
    line.log(LogEvent::CleanupStart, LogData::Nothing);
    line.wait(pace.draw(|timings| timings.cleanup));
    if order.previous == Previous::Protected {
        line.log(
            LogEvent::CleanupFail,
            LogData::RawError(PROTECTED.to_owned()),
        );
    } else {
        line.log(LogEvent::CleanupEnd, LogData::Nothing);
    }
    Some((begun, line.at))
}

fn snapshot(order: &Order<'_>, line: &mut Line, pace: &mut Pace) -> Result<(), Outcome> {
    let fault = order.fault_in(&[FaultPhase::Snapshot, FaultPhase::PreviousSnapshot]);
    line.wait(pace.draw(|timings| timings.snapshot_start));
    if order.source == Source::Named && fault.is_none() {
        return order.stay_pending();
    }
    line.log(LogEvent::SnapshotStart, LogData::Nothing);
    match fault {
        Some(fault) if fault.phase == FaultPhase::PreviousSnapshot => {
            line.wait(pace.draw(|timings| timings.snapshot_wait));
            return Err(line.fail(LogEvent::UsingPreviousSnapshotFailed, fault));
        }
        Some(fault) => {
            line.wait(pace.draw(|timings| timings.snapshot));
            return Err(line.fail(LogEvent::SnapshotFail, fault));
        }
        None => {}
    }
    if order.source == Source::Unreachable {
        line.wait(pace.draw(|timings| timings.snapshot_wait));
        line.log(LogEvent::UsingPreviousSnapshot, LogData::Nothing);
    } else {
        line.wait(pace.draw(|timings| timings.snapshot));
        line.log(LogEvent::SnapshotEnd, LogData::Nothing);
    }
    order.stay_pending()
}

fn convert(order: &Order<'_>, line: &mut Line, pace: &mut Pace) -> Result<(), Outcome> {
    line.wait(pace.draw(|timings| timings.copy));
    let fault = order.fault_in(&[FaultPhase::Conversion]);
    if !order.converts && fault.is_none() {
        return Ok(());
    }
    line.log(LogEvent::ConversionStart, LogData::Nothing);
    line.wait(pace.draw_by_os(|timings| timings.conversion));
    if let Some(fault) = fault {
        return Err(line.fail(LogEvent::ConversionFail, fault));
    }
    line.log(
        LogEvent::ConversionEnd,
        LogData::ConversionServer(pace.id("i-")),
    );
    Ok(())
}

fn start(
    order: &Order<'_>,
    line: &mut Line,
    pace: &mut Pace,
    launch_started_at: &mut Option<Timestamp>,
) -> Result<(), Outcome> {
    line.wait(pace.draw(|timings| timings.launch_start));
    line.log(LogEvent::LaunchStart, LogData::Nothing);
    *launch_started_at = Some(line.at);
    if let Some(fault) =
        order.fault_in(&[FaultPhase::Launch, FaultPhase::Iam, FaultPhase::Capacity])
    {
        // What is refused is refused when EC2 is asked; what breaks does so on the way.
        let wait = match fault.phase {
            FaultPhase::Launch => pace.draw_by_os(|timings| timings.launch),
            _ => pace.draw(|timings| timings.launch_start),
        };
        line.wait(wait);
        return Err(line.fail(LogEvent::LaunchFailed, fault));
    }
    line.wait(pace.draw_by_os(|timings| timings.launch));
    line.log(
        LogEvent::LaunchEnd,
        LogData::TargetInstance(order.instance_id.to_owned()),
    );
    Ok(())
}

impl<'a> Order<'a> {
    fn fault_in(&self, phases: &[FaultPhase]) -> Option<&'a LaunchFault> {
        self.fault.filter(|fault| phases.contains(&fault.phase))
    }

    fn stay_pending(&self) -> Result<(), Outcome> {
        match self.fault_in(&[FaultPhase::Pending]) {
            Some(_) => Err(Outcome::None),
            None => Ok(()),
        }
    }
}

/// Why a protected instance is not terminated, in EC2's words.
pub(super) const PROTECTED: &str = "The instance may not be terminated. Modify its 'disableApiTermination' instance \
                                    attribute and try again.";

fn typical_error(phase: FaultPhase) -> &'static str {
    match phase {
        FaultPhase::Snapshot => "Failed to take snapshot",
        FaultPhase::PreviousSnapshot => "No previous snapshot could be used",
        FaultPhase::Conversion => "Conversion failed",
        FaultPhase::Iam => {
            "You are not authorized to perform this operation. Action: ec2:RunInstances"
        }
        FaultPhase::Capacity => {
            "We currently do not have sufficient capacity in the Availability Zone you requested."
        }
        FaultPhase::Launch | FaultPhase::Pending | FaultPhase::StatusChecks | FaultPhase::None => {
            "Failed to launch the instance"
        }
    }
}
