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
 * <p>A service creates one {@link io.github.libdcs.DcsClient} and keeps it, which makes calls fast. The native libdcs
 * in the jar does all the work and is called through JNA. It prints nothing. It reads the environment only for
 * {@link io.github.libdcs.DcsClient#fromEnvironment()} and
 * {@link io.github.libdcs.DcsClient#diagnoseFromEnvironment()}.
 *
 * <p><b>Diagnosis</b>: if a client cannot be created or its calls fail,
 * {@link io.github.libdcs.DcsClient.Builder#diagnose()} reports why.
 *
 * <p><b>Logging</b> goes to {@link java.lang.System.Logger}, and so to {@code java.util.logging} or the framework that
 * replaces it:
 * <ul>
 *   <li>{@code WARNING}: what works but needs attention, such as a client certificate that expires soon, each time its
 *       file is read. Only this is visible in a program whose loggers are at {@code INFO}, the usual level.</li>
 *   <li>{@code DEBUG} ({@code FINE} in {@code java.util.logging}): each step of a call (lookup, TCP, proxy, TLS
 *       handshake, request, response), the files of a new client, and one line for each call, whether it succeeds or
 *       fails. A failure has no higher level because it is also thrown, and its catcher decides whether to log it.</li>
 *   <li>{@code TRACE} ({@code FINER}): the number of bytes of each read and write.</li>
 * </ul>
 * The loggers are {@code io.github.libdcs.client} (the line for each call), {@code .files}, {@code .dns}, {@code .tcp},
 * {@code .proxy}, {@code .tls}, {@code .http}, and {@code .log} for the log itself. A level set for
 * {@code io.github.libdcs} applies to all of them, from the next call on.
 *
 * <p>The records of a call are logged when it has ended, with that time. If several threads make calls, one may log the
 * records of another. In {@code java.util.logging} a record's source is the method that was called, such as
 * {@code DcsClient.status}. Exceptions that a logger throws are discarded. A logger may call this library, and what it
 * calls is not logged. Never logged: key bytes, passwords, a proxy's credentials, a file's content, a URL's query,
 * bodies.
 *
 * <p>Two system properties control how the native library is loaded. {@code dcs.library.path} names a
 * library file, or its folder, to use instead of the one in the jar. {@code dcs.library.tmpdir} is the folder to unpack
 * that one to.
 */
package io.github.libdcs;
