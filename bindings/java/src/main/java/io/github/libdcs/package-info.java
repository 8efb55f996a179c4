/**
 * The status call to the UK Document Checking Service (DCS), over mutual TLS.
 *
 * <pre>{@code
 * try (DcsClient client = DcsClient.builder()
 *         .caBundle(Path.of("ca-bundle.pem"))
 *         .certificate(Path.of("client.pem"))
 *         .privateKey(Path.of("client.key"))
 *         .build()) {
 *     DcsStatus status = client.status();
 *     System.out.println(status.available() ? "available" : status.message().orElse("unavailable"));
 * } catch (DcsException e) {
 *     System.err.println(e.code() + ": " + e.message());
 *     System.err.println(e.hint());
 * }
 * }</pre>
 *
 * <p>A service makes one {@link io.github.libdcs.DcsClient} and keeps it: that is what makes calls fast. All work
 * is done by the native libdcs, which is in the jar and called through JNA; it prints nothing, and reads nothing
 * from the environment unless {@link io.github.libdcs.DcsClient#fromEnvironment()} or
 * {@link io.github.libdcs.DcsClient#diagnoseFromEnvironment()} is used.
 *
 * <p><b>What is wrong</b> where a client cannot be made or its calls fail, is said by
 * {@link io.github.libdcs.DcsClient.Builder#diagnose()}.
 *
 * <p><b>Logging</b> goes to {@link java.lang.System.Logger}, and so to {@code java.util.logging} or to the framework
 * that takes its place:
 * <ul>
 *   <li>{@code WARNING}: what works and needs attention, such as a client certificate that expires soon, told
 *       whenever its file is read. This alone shows in a program that leaves its loggers at the usual
 *       {@code INFO}; ordinary calls log nothing there.</li>
 *   <li>{@code DEBUG} ({@code FINE} in {@code java.util.logging}): each step of a call (look-up, TCP, proxy, TLS
 *       handshake, request, answer), the files of a new client, and a line for each call, whether it succeeded or
 *       failed. A failure is logged no higher, since it is thrown: who catches it logs it where it matters.</li>
 *   <li>{@code TRACE} ({@code FINER}): how many bytes each read and write moved.</li>
 * </ul>
 * The loggers are {@code io.github.libdcs.client} (the line for each call), {@code .files}, {@code .dns},
 * {@code .tcp}, {@code .proxy}, {@code .tls}, {@code .http}, and {@code .log}, where the log speaks of itself; a level
 * set for {@code io.github.libdcs} holds for all of them. In {@code java.util.logging} a record's source is
 * the method that was called, such as {@code DcsClient.status}. Loggers are asked before each call, so a level that is
 * changed counts from the next call on. The records of a call are handed to the loggers when it has ended, well or
 * not: the time that a logger writes is that of the end, and where several threads make calls, one may log what
 * another's call recorded. What a logger throws is dropped. Never logged: key bytes, passwords, a proxy's
 * credentials, a file's content, a URL's query, bodies.
 *
 * <p>Two system properties, read once, have a say in how the native library is loaded:
 * {@code dcs.library.path} names a library file, or its folder, to use instead of the one in the jar;
 * {@code jna.tmpdir} is the folder that JNA unpacks native libraries to.
 */
package io.github.libdcs;
