/**
 * The status call to the UK Document Checking Service (DCS), over mutual TLS.
 *
 * <pre>{@code
 * try (DcsClient client = DcsClient.builder()
 *         .caBundle(Path.of("ca-bundle.pem"))
 *         .certificate(Path.of("client.crt"))
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
 * from the environment unless {@link io.github.libdcs.DcsClient#fromEnvironment()} is used.
 *
 * <p>Two system properties, read once, have a say in how the native library is loaded:
 * {@code dcs.library.path} names a library file, or its folder, to use instead of the one in the jar;
 * {@code jna.tmpdir} is the folder that JNA unpacks native libraries to.
 */
package io.github.libdcs;
