//! An HTTP proxy for [`super::loopback::listen`].

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::thread;

/// Serves one connection to a proxy that requires the credentials `user:p@ss`.
pub fn tunnel(mut client: TcpStream) {
    // Byte by byte: what follows the head belongs to the tunnel.
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        if client.read_exact(&mut byte).is_err() {
            return;
        }
        head.push(byte[0]);
    }
    let head = String::from_utf8(head).unwrap();
    let target = head
        .strip_prefix("CONNECT ")
        .unwrap()
        .split(' ')
        .next()
        .unwrap();
    assert!(head.contains(&format!("\r\nHost: {target}\r\n")), "{head}");
    if !head.contains("\r\nProxy-Authorization: Basic dXNlcjpwQHNz\r\n") {
        let _ = client.write_all(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n");
        return;
    }
    let Ok(server) = TcpStream::connect(target) else {
        let _ = client.write_all(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n");
        return;
    };
    let _ = client.write_all(b"HTTP/1.1 200 Connection established\r\nX: y\r\n\r\n");
    join(client, server);
}

/// Copies between two connections, in both directions, until both have ended.
pub fn join(client: TcpStream, server: TcpStream) {
    let (client2, server2) = (client.try_clone().unwrap(), server.try_clone().unwrap());
    let back = thread::spawn(move || copy(server2, client2));
    copy(client, server);
    let _ = back.join();
}

fn copy(mut from: TcpStream, mut to: TcpStream) {
    let _ = std::io::copy(&mut from, &mut to);
    let _ = to.shutdown(Shutdown::Write);
}
