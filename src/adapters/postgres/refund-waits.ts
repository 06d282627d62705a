/** Delay before an unanswered request is sent again; doubled each time, at most a day. */
export const firstWaitMinutes = 10;
export const longestWait = "interval '1 day'";

/** SQL for the time of the next request, after `requests` of them. */
export const nextRequestAt = (requests: string) =>
  `now() + least(${longestWait}, make_interval(mins => ${firstWaitMinutes}) * power(2, least(${requests}, 20) - 1))`;
