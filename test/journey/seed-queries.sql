-- Source: the original document 《实例创建通用流程》 (instance-creation.zh.md), copied unchanged.

-- 查询示例 (section 数据库表结构)

-- 查询秒杀创建的实例
SELECT * FROM instance_logs WHERE source = 'SECKILL';

-- 查询订单创建的实例
SELECT * FROM instance_logs WHERE source = 'ORDER';

-- 通过 StreamID 追溯
SELECT * FROM instance_logs WHERE source = 'SECKILL' AND source_id = '1234567890-0';

-- 通过 OrderID 追溯
SELECT * FROM instance_logs WHERE source = 'ORDER' AND source_id = 'ORD123456';

-- 监控指标: 按来源统计

-- 统计各来源的实例创建数量
SELECT source, COUNT(*) as count
FROM instance_logs
GROUP BY source;

-- 统计各来源的成功率
SELECT 
    source,
    COUNT(*) as total,
    SUM(CASE WHEN status = 'SUCCESS' THEN 1 ELSE 0 END) as success,
    ROUND(100.0 * SUM(CASE WHEN status = 'SUCCESS' THEN 1 ELSE 0 END) / COUNT(*), 2) as success_rate
FROM instance_logs
GROUP BY source;

-- 监控指标: 按时间统计

-- 最近 1 小时的实例创建趋势
SELECT 
    date_trunc('minute', created_at) as minute,
    source,
    COUNT(*) as count
FROM instance_logs
WHERE created_at >= NOW() - INTERVAL '1 hour'
GROUP BY minute, source
ORDER BY minute DESC;

-- 集成测试: 4. 查看数据库
SELECT * FROM instance_logs ORDER BY created_at DESC LIMIT 10;
