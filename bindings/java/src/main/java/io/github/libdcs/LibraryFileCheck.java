package io.github.libdcs;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** What is wrong with a file that is to be loaded as a library. */
final class LibraryFileCheck {
    private static final int HEADER = 64;
    private static final int X86_64 = 62;
    private static final int ARM64 = 183;
    private static final Map<Integer, String> MACHINES = Map.of(3, "x86", 21, "POWER", 22, "S/390", 40, "ARM",
            X86_64, "x86-64", ARM64, "ARM64", 243, "RISC-V");
    private static final Pattern GLIBC = Pattern.compile("version `GLIBC_([0-9.]+)' not found");

    private LibraryFileCheck() {
    }

    /** What can be seen without loading it, or null; the system's words are few where it is another's library. */
    static String fault(Path file) throws IOException {
        if (Files.isSymbolicLink(file) && !Files.exists(file)) {
            return "it is a link to " + Files.readSymbolicLink(file) + ", which is not there";
        }
        if (!Files.exists(file)) {
            return "there is no such file";
        }
        return System.getProperty("os.name").equals("Linux") ? elfFault(file) : null;
    }

    private static String elfFault(Path file) throws IOException {
        ByteBuffer header = ByteBuffer.allocate(HEADER);
        long size;
        try (FileChannel channel = FileChannel.open(file)) {
            size = channel.size();
            while (header.hasRemaining() && channel.read(header) >= 0) {
                continue;
            }
        }
        if (header.hasRemaining() || header.getInt(0) != 0x7f454c46) { // 0x7f, ELF
            return "it is no library for Linux, or a part of one (" + size + " bytes)";
        }
        header.order(header.get(5) == 1 ? ByteOrder.LITTLE_ENDIAN : ByteOrder.BIG_ENDIAN);
        int bits = header.get(4) == 1 ? 32 : 64;
        int machine = Short.toUnsignedInt(header.getShort(18));
        String here = System.getProperty("os.arch");
        boolean other = here.equals("amd64") && machine != X86_64 || here.equals("aarch64") && machine != ARM64;
        if (bits != 64 || other) {
            return "it is a library for " + bits + "-bit "
                    + MACHINES.getOrDefault(machine, "machine " + machine) + ", and this JVM is for " + here;
        }
        // The table of sections comes last: where it begins, and how many there are of which size.
        long end = header.getLong(40)
                + (long) Short.toUnsignedInt(header.getShort(58)) * Short.toUnsignedInt(header.getShort(60));
        // To load it would end the process (SIGBUS).
        return end > size ? "it is only a part of a library: the last " + (end - size) + " bytes are missing" : null;
    }

    /** The system's own words, where JNA has wrapped them in a list of all the places it looked at. */
    static String reason(Throwable cause) {
        Throwable[] inner = cause.getSuppressed();
        String text = inner.length > 0 ? inner[0].getMessage() : cause.getMessage();
        if (text == null || cause instanceof java.nio.file.FileSystemException) {
            return cause.toString(); // The message alone is often the path.
        }
        Matcher glibc = GLIBC.matcher(text);
        if (glibc.find()) {
            return "it needs glibc " + glibc.group(1) + " or newer (" + text.strip() + ")";
        }
        if (text.contains("failed to map segment")) {
            return "the folder is mounted noexec, or a security policy forbids to load from it (" + text.strip() + ")";
        }
        return text.strip();
    }
}
