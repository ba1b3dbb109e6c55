# cargo and rustc: a crate with a library and a test, built twice, and by two at once.
export CARGO_HOME=$PWD/home CARGO_TERM_COLOR=never
mkdir -p crate/src
printf '[package]\nname = "soak"\nversion = "0.1.0"\nedition = "2021"\n' >crate/Cargo.toml
echo 'pub fn twice(n: u32) -> u32 { n * 2 } #[test] fn it_is() { assert_eq!(twice(4), 8); }' >crate/src/lib.rs
echo 'fn main() { println!("{}", soak::twice(21)); std::process::exit(3) }' >crate/src/main.rs
cd crate || exit
timeless() { sed -E 's/ in [0-9.]+s/ in N s/; s/finished in [0-9.]+s/finished in N s/; s/-[0-9a-f]{16}/-ID/; s|\([^ ]*/crate\)|(.)|' | grep -v 'waiting for file lock'; }
cargo build -q --offline --release &
cargo build -q --offline
wait
cargo run -q --offline
echo "status $?"
cargo test --offline 2>&1 | timeless
cargo build --offline 2>&1 | timeless
