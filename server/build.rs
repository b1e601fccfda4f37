//! A new migration has to be compiled in: `sqlx::migrate!` alone does not notice added files.

fn main() {
    println!("cargo:rerun-if-changed=../migrations");
    println!("cargo:rerun-if-changed=sqlx.toml");
}
