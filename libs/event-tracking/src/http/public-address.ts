import { BlockList, isIP } from 'node:net';

/** Networks of IPv4 that are private, local, reserved or for documentation (RFC 6890). */
const RESERVED_IPV4: readonly [network: string, prefix: number][] = [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10], // carrier-grade NAT, and the metadata of Alibaba Cloud
  ['127.0.0.0', 8],
  ['168.63.129.16', 32], // the host of a virtual machine of Azure
  ['169.254.0.0', 16], // link-local, and the metadata of most clouds
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
];

/** Global unicast. Loopback, link-local, unique local and IPv4-mapped addresses lie outside. */
const GLOBAL_IPV6: readonly [network: string, prefix: number] = ['2000::', 3];
const RESERVED_IPV6: readonly [network: string, prefix: number][] = [
  ['2001::', 23], // Teredo and other protocols, which can contain a private address of IPv4
  ['2001:db8::', 32],
  ['2002::', 16], // 6to4, which contains an address of IPv4
  ['3fff::', 20],
];

const reserved = new BlockList();
for (const network of RESERVED_IPV4) reserved.addSubnet(...network, 'ipv4');
for (const network of RESERVED_IPV6) reserved.addSubnet(...network, 'ipv6');
const globalUnicast = new BlockList();
globalUnicast.addSubnet(...GLOBAL_IPV6, 'ipv6');

/** Whether an IP address belongs to the public internet; false for text that is not an address. */
export function isPublicAddress(address: string): boolean {
  switch (isIP(address)) {
    case 4:
      return !reserved.check(address, 'ipv4');
    case 6:
      return globalUnicast.check(address, 'ipv6') && !reserved.check(address, 'ipv6');
    default:
      return false;
  }
}
