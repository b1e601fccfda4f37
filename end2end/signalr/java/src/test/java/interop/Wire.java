package interop;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/** Carries bytes between clients and the host; {@link #cut} ends every connection without a word. */
final class Wire implements AutoCloseable {
    private final URI far;
    private final ServerSocket listener;
    private final Set<Socket> sockets = ConcurrentHashMap.newKeySet();
    private volatile boolean refusing;
    final String url;

    Wire(Host host) throws IOException {
        far = URI.create(host.url);
        listener = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
        url = "http://127.0.0.1:" + listener.getLocalPort();
        start(this::accept);
    }

    void cut() {
        sockets.forEach(Wire::end);
    }

    /** Also every later connection, until {@link #mend}. */
    void refuse() {
        refusing = true;
        cut();
    }

    void mend() {
        refusing = false;
    }

    @Override
    public void close() throws IOException {
        refuse();
        listener.close();
    }

    private void accept() {
        while (true) {
            Socket near;
            try {
                near = listener.accept();
            } catch (IOException closed) {
                return;
            }
            try {
                if (refusing) {
                    near.close();
                    continue;
                }
                Socket there = new Socket(far.getHost(), far.getPort());
                sockets.add(near);
                sockets.add(there);
                start(() -> carry(near, there));
                start(() -> carry(there, near));
            } catch (IOException away) {
                end(near);
            }
        }
    }

    private void carry(Socket from, Socket to) {
        try {
            from.setTcpNoDelay(true);
            from.getInputStream().transferTo(to.getOutputStream());
        } catch (IOException ended) {
            // As the other way.
        }
        end(from);
        end(to);
        sockets.remove(from);
    }

    private static void end(Socket socket) {
        try {
            socket.close();
        } catch (IOException closed) {
            // It is what was wanted.
        }
    }

    private static void start(Runnable work) {
        Thread thread = new Thread(work);
        thread.setDaemon(true);
        thread.start();
    }
}
