"""A paho client against the gateway: requests at each QoS in clean and persistent sessions, and offline messages."""
import json
import queue
import sys

import paho.mqtt.client as mqtt

host, port = sys.argv[1], int(sys.argv[2])


class Peer:
    def __init__(self, name, clean):
        self.inbox = queue.Queue()
        self.subscribed = queue.Queue()
        self.connected = queue.Queue()
        self.client = mqtt.Client(client_id=name, clean_session=clean)
        self.client.on_message = lambda c, u, m: self.inbox.put((m.topic, m.payload.decode(), m.qos))
        self.client.on_subscribe = lambda c, u, mid, granted: self.subscribed.put(granted)
        self.client.on_connect = lambda c, u, flags, rc: self.connected.put((flags["session present"], rc))

    def connect(self):
        self.client.connect(host, port)
        self.client.loop_start()
        return self.connected.get(timeout=5)

    def subscribe(self, topic, qos):
        self.client.subscribe(topic, qos)
        return self.subscribed.get(timeout=5)

    def stop(self):
        self.client.disconnect()
        self.client.loop_stop()


for clean in (True, False):
    for qos in (0, 1, 2):
        name = "Cpaho%d%d" % (clean, qos)
        peer = Peer("A::" + name, clean)
        assert peer.connect() == (0, 0)
        peer.subscribe("/oneM2M/resp/%s/#" % name, qos)
        for number in range(20):
            request = {"op": 2, "to": "onem2m", "fr": name, "rqi": "q%d" % number, "rvi": "3"}
            peer.client.publish("/oneM2M/req/%s/mn-cse-1/json" % name, json.dumps(request), qos)
        seen = []
        while len(seen) < 20:
            topic, payload, _ = peer.inbox.get(timeout=5)
            response = json.loads(payload)
            assert response["rsc"] == 2000, payload
            seen.append(response["rqi"])
        assert sorted(seen) == sorted("q%d" % number for number in range(20)), seen
        assert peer.inbox.empty()
        peer.stop()

sleeper = Peer("sleeper", False)
sleeper.connect()
sleeper.subscribe("plain/night/#", 2)
sleeper.stop()

sender = Peer("sender", True)
sender.connect()
for number in range(50):
    sender.client.publish("plain/night/x", "m%d" % number, 1 + number % 2).wait_for_publish()
sender.stop()

sleeper = Peer("sleeper", False)
assert sleeper.connect() == (1, 0), "the session is present"
messages = [sleeper.inbox.get(timeout=5)[1] for _ in range(50)]
# A QoS 2 message is handed to the application with its PUBREL: order holds within each QoS [MQTT-4.6.0-6].
for remainder in (0, 1):
    expected = ["m%d" % number for number in range(50) if number % 2 == remainder]
    assert [message for message in messages if message in expected] == expected, messages
assert len(messages) == 50
assert sleeper.inbox.empty()
sleeper.stop()
print("ok")
