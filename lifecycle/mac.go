package lifecycle

import (
	"net"
	"slices"
)

// givenMAC is the endpoint's MAC address if a user may have given it, else "".
// An inspect shows one for every endpoint that is up and does not tell where it
// comes from, except for the network of the mode, whose given one stands in the
// configuration and is carried there.
func givenMAC(endpoint Document, configured string) string {
	mac, err := net.ParseMAC(endpoint.Text("MacAddress"))
	if err != nil || len(mac) != 6 || endpoint.Text("MacAddress") == configured || generatedMAC(mac, endpoint.Text("IPAddress")) {
		return ""
	}
	return mac.String()
}

// generatedMAC: drivers derive the address from the endpoint's IP address,
// after 02:42; or, newer ones and macvlan, take a random one of those that are
// administered locally. 02:42 by chance is one in 16384 of these.
func generatedMAC(mac net.HardwareAddr, ip string) bool {
	if mac[0] == 0x02 && mac[1] == 0x42 {
		v4 := net.ParseIP(ip).To4()
		return v4 != nil && slices.Equal(mac[2:], net.HardwareAddr(v4))
	}
	const local = 0x02
	return mac[0]&local != 0
}
