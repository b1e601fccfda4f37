//! What the suites share: samples, who else used the machine meanwhile, and the report.

pub mod machine;
pub mod noise;
pub mod resident;
pub mod samples;
pub mod table;
