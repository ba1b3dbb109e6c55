import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

// Exclusive blocking locks of the whole file and shared non-blocking ones of ten bytes, five of each.
public class Locks {
    public static void main(String[] arguments) throws Exception {
        try (FileChannel channel = FileChannel.open(Path.of(arguments[0]), StandardOpenOption.CREATE,
                StandardOpenOption.READ, StandardOpenOption.WRITE)) {
            for (int i = 0; i < 5; i++) {
                FileLock whole = channel.lock();
                whole.release();
                FileLock part = channel.tryLock(0, 10, true);
                System.out.println(part.isShared());
                part.release();
            }
        }
    }
}
