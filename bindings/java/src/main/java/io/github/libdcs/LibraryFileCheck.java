package io.github.libdcs;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Explains why a file cannot be loaded as a library. */
final class LibraryFileCheck {
    private static final int ELF_HEADER_SIZE = 64;
    private static final int ELF_MAGIC = 0x7f454c46;
    private static final int X86_64 = 62;
    private static final int ARM64 = 183;
    private static final Map<Integer, String> MACHINES = Map.of(3, "x86", 21, "POWER", 22, "S/390", 40, "ARM",
            X86_64, "x86-64", ARM64, "ARM64", 243, "RISC-V");
    private static final Pattern GLIBC = Pattern.compile("version `GLIBC_([0-9.]+)' not found");

    private LibraryFileCheck() {
    }

    /** Returns what is wrong with the file without loading it, or null. */
    static String findProblem(Path file) throws IOException {
        if (Files.isSymbolicLink(file) && !Files.exists(file)) {
            return "a symbolic link to " + Files.readSymbolicLink(file) + ", which does not exist";
        }
        if (!Files.exists(file)) {
            return "no such file";
        }
        return System.getProperty("os.name").equals("Linux") ? findElfProblem(file) : null;
    }

    private static String findElfProblem(Path file) throws IOException {
        ByteBuffer header = ByteBuffer.allocate(ELF_HEADER_SIZE);
        long size;
        try (FileChannel channel = FileChannel.open(file)) {
            size = channel.size();
            while (header.hasRemaining() && channel.read(header) >= 0) {
                continue;
            }
        }
        if (header.hasRemaining() || header.getInt(0) != ELF_MAGIC) {
            return "not a library for Linux, or cut short (" + size + " bytes)";
        }
        header.order(header.get(5) == 1 ? ByteOrder.LITTLE_ENDIAN : ByteOrder.BIG_ENDIAN);
        int bits = header.get(4) == 1 ? 32 : 64;
        int machine = Short.toUnsignedInt(header.getShort(18));
        String jvm = System.getProperty("os.arch");
        boolean other = jvm.equals("amd64") && machine != X86_64 || jvm.equals("aarch64") && machine != ARM64;
        if (bits != 64 || other) {
            return "a library for " + bits + "-bit " + MACHINES.getOrDefault(machine, "machine " + machine)
                    + ", but this JVM is for " + jvm;
        }
        // The section table comes last: its offset, and the number and size of its entries.
        long end = header.getLong(40)
                + (long) Short.toUnsignedInt(header.getShort(58)) * Short.toUnsignedInt(header.getShort(60));
        // Loading a truncated file would kill the process (SIGBUS).
        return end > size ? "cut short: the last " + (end - size) + " bytes are missing" : null;
    }

    /** Returns the system's reason for a failure, without JNA's list of all the places that it searched. */
    static String reason(Throwable cause) {
        Throwable[] inner = cause.getSuppressed();
        String text = inner.length > 0 ? inner[0].getMessage() : cause.getMessage();
        if (text == null || cause instanceof FileSystemException) {
            return cause.toString(); // The message alone is often only the path.
        }
        text = text.strip();
        Matcher glibc = GLIBC.matcher(text);
        if (glibc.find()) {
            return "it needs glibc " + glibc.group(1) + " or newer (" + text + ")";
        }
        if (text.contains("failed to map segment")) {
            return "the folder is mounted noexec, or a security policy forbids loading from it (" + text + ")";
        }
        return text;
    }
}
