//! `drsctl version`: what this binary is.

use drs_engine::store::codec::SCHEMA_VERSION;

use crate::failure::{Ending, Failure};
use crate::screen::Screen;

pub(crate) fn version(screen: &mut Screen) -> Result<Ending, Failure> {
    let simulator = if cfg!(feature = "simulator") {
        "with"
    } else {
        "without"
    };
    screen.print(&format!(
        "drsctl {}, histories up to schema version {SCHEMA_VERSION}, {simulator} the simulator",
        env!("CARGO_PKG_VERSION")
    ))?;
    Ok(Ending::Success)
}
