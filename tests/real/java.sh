# Java: FileChannel's locks, in one machine and between two.
cat >Program.java <<'END'
import java.nio.channels.*;
import java.nio.file.*;
import static java.nio.file.StandardOpenOption.*;

public class Program {
    public static void main(String[] arguments) throws Exception {
        try (FileChannel channel = FileChannel.open(Path.of("l"), CREATE, READ, WRITE)) {
            if (arguments.length > 0) {
                System.out.println("other: " + channel.tryLock());
                return;
            }
            FileLock lock = channel.lock();
            System.out.println(lock.isValid() + " " + lock.isShared());
            try {
                channel.tryLock();
            } catch (OverlappingFileLockException error) {
                System.out.println("overlapping");
            }
            String java = ProcessHandle.current().info().command().get();
            Process other = new ProcessBuilder(java, "-Xshare:auto", "Program.java", "other").inheritIO().start();
            System.out.println("ended " + other.waitFor());
            lock.release();
            for (int i = 0; i < 100; i++) {
                try (FileLock range = channel.lock(i, 1, i % 2 == 0)) {
                    if (!range.isValid())
                        System.out.println("not valid");
                }
            }
        }
        System.exit(6);
    }
}
END
java -Xshare:auto Program.java
echo "status $?"
