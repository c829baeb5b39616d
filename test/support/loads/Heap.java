// Allocates 20,000 direct buffers of 600 to 6,000 bytes for each line it reads and keeps every 50th, as a cache that is emptied
// does. It leaves the rest of its life to waiting. Their bytes are malloc's; the last one to be cleaned says that all are.
import java.lang.ref.Cleaner;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;

public final class Heap {
    private static final List<ByteBuffer> survivors = new ArrayList<>();

    private static ByteBuffer filled(int i) {
        ByteBuffer buffer = ByteBuffer.allocateDirect(600 + i * 7919 % 5400);
        while (buffer.hasRemaining()) buffer.put((byte) 1);
        return buffer;
    }

    private static void load() {
        List<ByteBuffer> blocks = new ArrayList<>();
        for (int i = 0; i < 20000; i++) blocks.add(filled(i));
        for (int i = 0; i < blocks.size(); i += 50) survivors.add(blocks.get(i));
    }

    private static long directCount() {
        for (var pool : java.lang.management.ManagementFactory.getPlatformMXBeans(java.lang.management.BufferPoolMXBean.class)) {
            if (pool.getName().equals("direct")) return pool.getCount();
        }
        return -1;
    }

    public static void main(String[] args) throws Exception {
        var input = new java.io.BufferedReader(new java.io.InputStreamReader(System.in));
        System.out.println("ready");
        while (input.readLine() != null) {
            load();
            // The reference handler frees them on its own thread: it has when the count says so.
            while (directCount() > survivors.size() + 100) {
                System.gc();
                Thread.yield();
            }
            System.out.println("done");
        }
    }
}
