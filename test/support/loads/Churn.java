// Allocates what it is told to, in blocks of 16 KiB: `keep 40` and `waste 40` are MiB, `drop 0` lets go of what was kept, and
// `collect 0` asks for a collection. It says "done" after each line.
import java.util.ArrayList;
import java.util.List;

public final class Churn {
    private static final int BLOCK_BYTES = 16 * 1024;
    private static final List<byte[]> kept = new ArrayList<>();
    private static byte[] last;

    private static void allocate(int mebibytes, boolean isKept) {
        for (long left = mebibytes * 1024L * 1024L; left > 0; left -= BLOCK_BYTES) {
            last = new byte[BLOCK_BYTES];
            if (isKept) kept.add(last);
        }
    }

    public static void main(String[] args) throws Exception {
        var input = new java.io.BufferedReader(new java.io.InputStreamReader(System.in));
        System.out.println("ready");
        for (String line = input.readLine(); line != null; line = input.readLine()) {
            String[] words = line.split(" ");
            switch (words[0]) {
                case "keep" -> allocate(Integer.parseInt(words[1]), true);
                case "waste" -> allocate(Integer.parseInt(words[1]), false);
                case "drop" -> kept.clear();
                case "collect" -> System.gc();
                default -> throw new IllegalArgumentException(line);
            }
            System.out.println("done");
        }
    }
}
