//! `squares source` sends numbers in shared memory, `squares sink` prints their squares.
use dora_node::{Event, LogLevel, Node, Params, Value};

fn source() -> dora_node::Result<()> {
    let node = Node::from_env()?;
    let mut params = Params::new()?;
    params.set("unit", "m")?.set("factor", 2)?.set("names", vec!["a".to_string(), "b".to_string()])?;
    let mut loan = node.loan::<i32>(1000)?;
    for (number, place) in loan.iter_mut().enumerate() {
        *place = number as i32;
    }
    node.send_loan("numbers", loan, Some(&params))?;
    let sender = node.sender();
    let worker = std::thread::spawn(move || sender.send("text", b"from a thread", None));
    worker.join().expect("the thread ends")?;
    let missing = node.send("nowhere", b"", None).unwrap_err();
    println!("{} {}", missing.code, node.id());
    node.log(LogLevel::Warn, "done")
}

fn sink() -> dora_node::Result<()> {
    let mut node = Node::from_env()?;
    let mut kept = None;
    while let Some(event) = node.next()? {
        match event {
            Event::Input(input) if input.id() == "numbers" => {
                let sum: i64 = input.as_slice::<i32>()?.iter().map(|number| i64::from(*number).pow(2)).sum();
                println!("{} {sum} {:?}", input.format(), input.params());
                assert_eq!(input.param("factor"), Some(Value::Integer(2)));
                assert!(input.as_slice::<f64>().is_err());
                kept = input.keep();
            }
            Event::Input(input) => println!("{}", String::from_utf8_lossy(input.data())),
            Event::InputClosed { id } => println!("closed {id}"),
            Event::Stop(cause) => println!("stop {cause:?}"),
            _ => (),
        }
    }
    drop(node);
    println!("kept {} bytes", kept.map_or(0, |sample| sample.len()));
    Ok(())
}

fn main() {
    let result = match std::env::args().nth(1).as_deref() {
        Some("source") => source(),
        _ => sink(),
    };
    if let Err(error) = result {
        eprintln!("{error}");
        std::process::exit(1);
    }
}
