// The time zone of the bridge, in which pages show times: the same for everybody who looks.

/** As "Asia/Ho_Chi_Minh"; known once somebody is logged in. */
export let zone = "Asia/Ho_Chi_Minh";

/** @param {string} name */
export function useZone(name) {
  zone = name;
}
