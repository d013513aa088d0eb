//! Checks that a test can take out, to see that something notices when they are gone.
//!
//! Nothing of this is in a build that is not a test: the module and every place that asks it are under `cfg(test)`, and a
//! test over the sources asserts that.

use std::cell::Cell;

/// A check behind "launch at most once".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Check {
    /// Only the owner may record what was done.
    Owner,
    /// An event is appended only to the history that it was decided on.
    Sequence,
    /// The job of a launch without outcome is looked for before anything else is done about it.
    AdoptionLook,
    /// A request that was signed too long ago is refused.
    SignatureAge,
    /// A recovery waits for the calls of a drill that may still arrive.
    PreemptedCalls,
}

thread_local! {
    static TAKEN_OUT: Cell<Option<Check>> = const { Cell::new(None) };
}

/// Whether a check is taken out on this thread.
pub(crate) fn is_taken_out(check: Check) -> bool {
    TAKEN_OUT.get() == Some(check)
}

/// Does something on this thread without a check.
pub(crate) fn without<T>(check: Check, act: impl FnOnce() -> T) -> T {
    /// Puts the check back, also after a panic.
    struct PutBack;
    impl Drop for PutBack {
        fn drop(&mut self) {
            TAKEN_OUT.set(None);
        }
    }
    TAKEN_OUT.set(Some(check));
    let _put_back = PutBack;
    act()
}
