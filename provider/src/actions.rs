//! The actions: what operators do with executions, from Terraform 1.14 on. Each is an adapter of the same requests that
//! `drsctl` makes; none has a state, and all tell what happens while it happens.

mod execution;
mod requests;
mod start;

pub(crate) use requests::{Cancel, Pause, Resume, RetryWave, SkipWave, TerminateRecoveryInstances};
pub(crate) use start::{StartDrill, StartFailover};
