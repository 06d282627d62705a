/** Until a request that was not answered is sent again; doubled each time, a day at most. */
export const firstWaitMinutes = 10;
export const longestWait = "interval '1 day'";

/** SQL: when the next request is due, after `requests` of them. */
export const nextRequestAt = (requests: string) =>
  `now() + least(${longestWait}, make_interval(mins => ${firstWaitMinutes}) * power(2, least(${requests}, 20) - 1))`;
